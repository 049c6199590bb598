import Cryptography
import Synchronization
import Testing

@testable import MetadataService

@Suite("The token that all calls to a provider share", .timeLimit(.minutes(1)))
struct ProviderTokensTests {
    /// Returns tokens, except for the first fetch, which fails once the gate opens.
    private final class Source: Sendable {
        private let error: ProviderError
        private let count = Mutex(0)
        private let opened: AsyncStream<Void>
        private let gate: AsyncStream<Void>.Continuation

        init(failing error: ProviderError) {
            self.error = error
            (opened, gate) = AsyncStream.makeStream(of: Void.self)
        }

        var fetchCount: Int { count.withLock(\.self) }

        func open() { gate.finish() }

        func fetch() async throws(ProviderError) -> ProviderToken {
            let number = count.withLock { count -> Int in
                count += 1
                return count
            }
            if number == 1 {
                for await _ in opened {}
                throw error
            }
            return ProviderToken(text: Secret("token \(number)"), renewAtMilliseconds: 1_000)
        }

        var tokens: ProviderTokens {
            ProviderTokens(nowMilliseconds: { 1 }) { () async throws(ProviderError) in try await self.fetch() }
        }
    }

    private static func outcome(_ tokens: ProviderTokens) async -> Result<String, ProviderError> {
        do throws(ProviderError) {
            return .success(try await tokens.current().revealed)
        } catch {
            return .failure(error)
        }
    }

    /// A background refresh that did not get its turn used to fail the person waiting behind it too.
    @Test(
        "who waits for somebody else's request shares what holds for all, and asks for itself where it is that one's own",
        arguments: [
            (.unauthorized, true), (.unavailable("status 500"), true), (.quota(untilMilliseconds: nil), true),
            (.rateLimited(retryAfter: nil), true), (.malformed("no token"), true), (.resting(.keyRejected), true),
            (.busy, false), (.reserved(untilMilliseconds: 7), false), (.timeout, false),
        ] as [(ProviderError, Bool)])
    func shared(error: ProviderError, isShared: Bool) async throws {
        let source = Source(failing: error)
        let tokens = source.tokens
        let first = Task { await Self.outcome(tokens) }
        while source.fetchCount < 1 { try await Task.sleep(for: .milliseconds(1)) }
        let others = (0..<2).map { _ in Task { await Self.outcome(tokens) } }
        while tokens.waiterCount < 2 { try await Task.sleep(for: .milliseconds(1)) }
        source.open()
        #expect(await first.value == .failure(error))
        for other in others {
            #expect(await other.value == (isShared ? .failure(error) : .success("token 2")))
        }
        #expect(source.fetchCount == (isShared ? 1 : 2))
    }

    /// The longest wait used to be that of the fetching task, not the caller's own.
    @Test("who is cancelled does not wait for somebody else's request")
    func cancelled() async throws {
        let source = Source(failing: .timeout)
        let tokens = source.tokens
        let first = Task { await Self.outcome(tokens) }
        while source.fetchCount < 1 { try await Task.sleep(for: .milliseconds(1)) }
        let other = Task { await Self.outcome(tokens) }
        while tokens.waiterCount < 1 { try await Task.sleep(for: .milliseconds(1)) }
        other.cancel()
        #expect(await other.value == .failure(.busy))
        #expect(tokens.waiterCount == 0)
        source.open()
        #expect(await first.value == .failure(.timeout))
    }
}
