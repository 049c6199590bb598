import HTTP2
import HTTP2
import RPC
import Testing

@Suite struct SystemResolverTests {
    @Test("A name of this machine resolves, each address once")
    func localhost() async throws {
        let target = try #require(RPCTarget("localhost:7101"))
        let addresses = try await SystemResolver.resolve(target)
        #expect(!addresses.isEmpty)
        #expect(Set(addresses).count == addresses.count)
        #expect(addresses.allSatisfy { $0.port == 7101 })
    }

    /// Stopping once waited for a name server that did not answer.
    @Test("A cancelled look-up ends at once, whatever the name server does")
    func cancelled() async throws {
        let target = try #require(RPCTarget("name-that-nobody-has.invalid:1"))
        let lookUp = Task { try await SystemResolver.resolve(target) }
        lookUp.cancel()
        await #expect(throws: (any Error).self) { try await lookUp.value }
    }
}
