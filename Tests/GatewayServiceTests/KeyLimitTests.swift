import Contracts
import Cryptography
import Postgres
import RPC
import Store
import TestSupport
import Testing

@testable import GatewayService

/// The limits on keys and invitations, even for concurrent requests at two copies of the gateway, and what revokes
/// keys.
@Suite struct KeyLimitTests {
    /// Two copies, and alice, the administrator.
    private struct Fixture {
        let copies: [Accounts]
        let pool: PGPool
        let alice: EdgeCaller

        private func once(_ copy: Int) -> OnceStore {
            OnceStore(database: copies[copy].store.database, secret: .ofTests)
        }

        private func context() -> EdgeContext {
            EdgeContext(
                rpc: RPCContext(deadline: KeyLimitTests.deadline(), trace: .root()), clientAddress: "192.0.2.1")
        }

        /// Requests a key; returns the code with which it is refused, or nil if the key is made.
        func createKey(at copy: Int = 0) async -> Int? {
            let input = CreateApiKeyInput(body: ApiKeyRequest(name: "script", scopes: [.read]))
            do throws(RPCError) {
                _ = try await CreateApiKey(accounts: copies[copy], once: once(copy)).run(input, alice, context())
                return nil
            } catch {
                return error.code
            }
        }

        /// Requests an invitation, likewise.
        func createInvite(at copy: Int = 0) async -> Int? {
            do throws(RPCError) {
                _ = try await CreateInvite(accounts: copies[copy], once: once(copy)).run(
                    CreateInviteInput(body: InviteRequest()), alice, context())
                return nil
            } catch {
                return error.code
            }
        }

        func count(_ table: String) async throws -> Int? { try await pool.first(KeyLimitTests.count(table)) }
    }

    private static func count(_ table: String) -> PGStatement<Int> {
        PGStatement("tests.count.\(table)", "SELECT count(*) FROM \(table)") { row throws(PGError) in
            try row.next(Int.self)
        }
    }

    private static func deadline() -> ContinuousClock.Instant { .now + .seconds(20) }

    private static func withCopies(
        _ limits: GatewayLimits = GatewayLimits(), _ body: (Fixture) async throws -> Void
    ) async throws {
        try await TestDatabase.withReplicas(2, migrations: GatewayService.migrations) { pools in
            let copies = pools.map { pool in
                Accounts(
                    store: GatewayStore(database: Database(pool: pool)), hasher: PasswordHasher(),
                    clock: SystemWallClock(), ids: SystemIDSource(), registration: .open, secret: .ofTests,
                    limits: limits)
            }
            let now = SystemWallClock().now
            let (session, _, _) = copies[0].newSession(at: now)
            let user = try await copies[0].store.register(
                GatewayStore.NewAccount(
                    id: UserID(SystemIDSource().next()), username: Username("alice"), passwordHash: "$scrypt$", at: now,
                    session: session), isOpen: true, until: deadline())
            let alice = EdgeCaller(
                user: try #require(user).id, isAdministrator: true, credential: session.id.uuid)
            try await body(Fixture(copies: copies, pool: pools[0], alice: alice))
        }
    }

    /// The outcomes of twenty concurrent calls at alternating copies.
    private static func race(_ work: @escaping @Sendable (Int) async -> Int?) async -> [Int?] {
        await withTaskGroup(of: Int?.self) { group in
            for number in 0..<20 { group.addTask { await work(number % 2) } }
            return await group.reduce(into: [Int?]()) { $0.append($1) }
        }
    }

    /// Each used to see 49 keys, which resulted in 69.
    @Test("Of twenty keys that are asked for at once beside 49 others one is made")
    func keys() async throws {
        try await Self.withCopies { fixture async throws in
            for _ in 0..<49 { #expect(await fixture.createKey() == nil) }
            let outcomes = await Self.race { await fixture.createKey(at: $0) }
            #expect(outcomes.count { $0 == nil } == 1)
            #expect(outcomes.count { $0 == RegistryError.tooMany.code } == 19, "\(outcomes)")
            #expect(try await fixture.count("api_keys") == 50)
        }
    }

    @Test("Of twenty invitations beside 4 open ones one is made, where five may be open")
    func invites() async throws {
        var limits = GatewayLimits()
        limits.invitesMax = 5
        try await Self.withCopies(limits) { fixture async throws in
            for _ in 0..<4 { #expect(await fixture.createInvite() == nil) }
            let outcomes = await Self.race { await fixture.createInvite(at: $0) }
            #expect(outcomes.count { $0 == nil } == 1)
            #expect(outcomes.count { $0 == RegistryError.tooMany.code } == 19, "\(outcomes)")
            #expect(try await fixture.count("invites") == 5)
        }
    }

    private static let spentInvites = PGCommand(
        "tests.spentInvites",
        """
        INSERT INTO invites (id, user_id, code_hash, created_at, expires_at, used_at)
        SELECT gen_random_uuid(), $1, sha256(n::text::bytea), now() + n * interval '1 second',
            now() + CASE WHEN n % 2 = 0 THEN interval '-1 second' ELSE interval '1 day' END,
            CASE WHEN n % 2 = 1 THEN now() END
        FROM generate_series(1, 8) AS n
        """)

    /// Invitations that were used or had expired since used to push the open ones out of the list.
    @Test("Open invitations are listed first, each kind the latest first")
    func openFirst() async throws {
        var limits = GatewayLimits()
        limits.invitesMax = 5
        try await Self.withCopies(limits) { fixture async throws in
            for _ in 0..<3 { #expect(await fixture.createInvite() == nil) }
            try await fixture.pool.execute(
                Self.spentInvites, [.id(fixture.alice.user)], deadline: Self.deadline())
            let now = SystemWallClock().now
            let listed = try await fixture.copies[0].store.invites(at: now, limits: limits, until: Self.deadline())
            #expect(listed.map { $0.usedAt == nil && $0.expiresAt > now } == [true, true, true, false, false])
            for kind in [listed.prefix(3), listed.dropFirst(3)] {
                let moments = kind.map(\.createdAt)
                #expect(moments == moments.sorted(by: >))
            }
        }
    }

    /// An intruder used to keep the keys that they had made in the account.
    @Test("A reset of the password takes back every key, and one that is still being asked for is not made")
    func reset() async throws {
        try await Self.withCopies { fixture async throws in
            for copy in 0..<2 { #expect(await fixture.createKey(at: copy) == nil) }
            let user = try await fixture.copies[1].store.resetPassword(
                of: "alice", to: "$scrypt$2", limits: GatewayLimits(), until: Self.deadline())
            #expect(user == fixture.alice.user)
            #expect(try await fixture.count("api_keys") == 0)
            // For a moment, the session's token is trusted without a look-up.
            #expect(await fixture.createKey() == RegistryError.unauthenticated.code)
            #expect(try await fixture.count("api_keys") == 0)
        }
    }
}
