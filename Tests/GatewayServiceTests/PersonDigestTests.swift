import Contracts
import Synchronization
import Testing

@testable import GatewayService

/// The digests that stand for people in the log.
@Suite struct PersonDigestTests {
    private static func user(_ number: Int) -> UserID { UserID(UUIDBits(high: 4, low: UInt64(number))) }

    @Test("Everybody has their own, which is made once while it is remembered, and of so many people only")
    func remembered() {
        let made = Mutex(0)
        let digests = PersonDigests { person in
            made.withLock { $0 += 1 }
            return "\(person.uuid.low)"
        }
        for _ in 0..<3 { #expect([1, 2, 1].map { digests.of(Self.user($0)) } == ["1", "2", "1"]) }
        #expect(made.withLock { $0 } == 2)
        for number in 3...PersonDigests.peopleMax { _ = digests.of(Self.user(number)) }
        #expect(digests.of(Self.user(1)) == "1")
        #expect(made.withLock { $0 } == PersonDigests.peopleMax)
        _ = digests.of(Self.user(PersonDigests.peopleMax + 1))
        #expect(digests.of(Self.user(1)) == "1")
        #expect(made.withLock { $0 } == PersonDigests.peopleMax + 2)
    }
}
