import Contracts
import Cryptography
import Postgres
import RPC
import Testing

@testable import GatewayService

/// What the database knows of a request with an Idempotency-Key, and what happens to it when the secret changes.
@Suite struct OnceFingerprintTests {
    private static let passwords = [Household.phrase, "another odd phrase", "a third odd phrase"]
    private static let (old, new) = ("a secret that was", "a secret that is")

    /// The code with which a password change is refused; nil if it succeeds.
    private static func refusal(
        _ home: Household, _ caller: EdgeCaller, to password: Int, key: String, secret: String
    ) async -> Int? {
        do throws(RPCError) {
            try await home.changePassword(
                caller, from: passwords[password - 1], to: passwords[password], key: key, secret: secret)
            return nil
        } catch {
            return error.code
        }
    }

    private static func withAlice(_ body: (Household, EdgeCaller) async throws -> Void) async throws {
        try await Household.live { home async throws in
            let alice = try await home.caller(try await home.register("alice"))
            try await body(home, try #require(alice))
        }
    }

    /// Whoever copied the table could guess at a password for as long as they like.
    @Test("What is kept of a request does not follow from it without a secret that the database does not have")
    func keyed() async throws {
        try await Self.withAlice { home, alice async throws in
            #expect(await Self.refusal(home, alice, to: 1, key: "k", secret: Self.old) == nil)
            let request = Array("\(Self.passwords[0])\n\(Self.passwords[1])".utf8)
            let kept = try await home.pool.query(
                PGStatement("tests.fingerprints", "SELECT fingerprint FROM idempotency_keys") { row throws(PGError) in
                    try row.next([UInt8].self)
                })
            let once = OnceStore(database: home.store.database, secret: Secret(Self.old))
            let other = OnceStore(database: home.store.database, secret: Secret(Self.new))
            #expect(kept == [once.fingerprint(request)])
            #expect(kept[0].count == 32 && kept[0] != request && kept[0] != SHA256.hash(request).bytes)
            #expect(kept[0] != other.fingerprint(request))
        }
    }

    @Test("While the secret changes, and a day before it had to be one, a request that comes again is the same one")
    func rotated() async throws {
        try await Self.withAlice { home, alice async throws in
            let both = "\(Self.new), \(Self.old)"
            #expect(await Self.refusal(home, alice, to: 1, key: "before", secret: Self.old) == nil)
            #expect(await Self.refusal(home, alice, to: 1, key: "before", secret: both) == nil)
            #expect(await Self.refusal(home, alice, to: 2, key: "during", secret: both) == nil)
            #expect(await Self.refusal(home, alice, to: 2, key: "during", secret: Self.new) == nil)
            // It cannot be told whether the request is the same; to say that another one used the key would be wrong.
            #expect(await Self.refusal(home, alice, to: 1, key: "before", secret: Self.new) == RPCError.Code.internal)
            let another = RegistryError.idempotencyKeyReused.code
            #expect(await Self.refusal(home, alice, to: 2, key: "before", secret: both) == another)
            #expect(await Self.refusal(home, alice, to: 1, key: "during", secret: both) == another)
            // As earlier gateways wrote it.
            let request = Array("\(Self.passwords[0])\n\(Self.passwords[1])".utf8)
            let plain = PGCommand("tests.plain", "UPDATE idempotency_keys SET fingerprint = $1")
            try await home.pool.execute(plain, [.bytea(request)], deadline: Household.deadline())
            #expect(await Self.refusal(home, alice, to: 1, key: "before", secret: both) == nil)
            #expect(await Self.refusal(home, alice, to: 2, key: "during", secret: both) == another)
        }
    }

    @Test("A condition that held is noted, found and forgotten while the secret changes")
    func notes() async throws {
        try await Self.withAlice { home, alice async throws in
            let (before, during) = (
                OnceStore(database: home.store.database, secret: Secret(Self.old)),
                OnceStore(database: home.store.database, secret: Secret("\(Self.new),\(Self.old)"))
            )
            let request = EdgeOnce(key: "k", fingerprint: [1])
            try await before.note(request, of: alice.user, until: Household.deadline())
            let other = try await during.isNoted(
                EdgeOnce(key: "k", fingerprint: [2]), of: alice.user, until: Household.deadline())
            #expect(!other)
            let isFound = try await during.isNoted(request, of: alice.user, until: Household.deadline())
            #expect(isFound)
            try await during.forget(request, of: alice.user, until: Household.deadline())
            let isLeft = try await before.isNoted(request, of: alice.user, until: Household.deadline())
            #expect(!isLeft)
        }
    }
}
