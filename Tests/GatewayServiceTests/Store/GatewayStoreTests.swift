import Contracts
import Cryptography
import Edge
import Logging
import Postgres
import RPC
import Store
import TestSupport
import Testing

@testable import GatewayService

/// Accounts and sessions in a real Postgres, through replicas that share it.
@Suite struct GatewayStoreTests {
    private static let ids = SystemIDSource()

    private static func deadline() -> ContinuousClock.Instant { .now.advanced(by: .seconds(20)) }

    private static func registration(_ name: String) -> GatewayStore.NewAccount {
        let now = SystemWallClock().now
        let token = OpaqueToken(prefix: Accounts.sessionPrefix)
        let refresh = OpaqueToken(prefix: Accounts.refreshPrefix)
        return GatewayStore.NewAccount(
            id: UserID(ids.next()), username: Username(name), passwordHash: "$scrypt$", at: now,
            session: GatewayStore.NewSession(
                id: SessionID(ids.next()),
                tokens: GatewayStore.TokenPair(
                    tokenDigest: token.digest, refreshDigest: refresh.digest, expiresAt: now.advanced(by: .seconds(60)),
                    refreshExpiresAt: now.advanced(by: .seconds(120))), device: nil, address: nil))
    }

    private static func withStores(_ body: ([GatewayStore], PGPool) async throws -> Void) async throws {
        try await TestDatabase.withReplicas(2, migrations: GatewayService.migrations) { pools in
            try await body(pools.map { GatewayStore(database: Database(pool: $0)) }, pools[0])
        }
    }

    /// Registers all `names` concurrently, at alternating replicas, and returns the outcomes.
    private static func race(
        _ stores: [GatewayStore], _ names: [String], isOpen: Bool
    ) async -> [Result<User?, StoreError>] {
        await withTaskGroup(of: Result<User?, StoreError>.self) { group in
            for (number, name) in names.enumerated() {
                let store = stores[number % stores.count]
                group.addTask {
                    do throws(StoreError) {
                        return .success(try await store.register(registration(name), isOpen: isOpen, until: deadline()))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    private static let counts = PGStatement(
        "tests.counts",
        """
        SELECT (SELECT count(*) FROM users)::bigint, (SELECT count(*) FROM sessions)::bigint,
            (SELECT count(*) FROM users WHERE role = 'admin')::bigint
        """
    ) { row throws(PGError) in [try row.next(Int.self), try row.next(Int.self), try row.next(Int.self)] }

    @Test("Of many who want to be the first person at once, one is", arguments: 0..<5)
    func firstPerson(round: Int) async throws {
        try await Self.withStores { stores, pool in
            let outcomes = await Self.race(stores, (0..<16).map { "user\($0)" }, isOpen: false)
            let users = try outcomes.compactMap { try $0.get() }
            #expect(users.map(\.role) == [.admin])
            #expect(try await pool.first(Self.counts) == [1, 1, 1])
            #expect(try await stores[1].isFounded(until: Self.deadline()))
        }
    }

    @Test("Where registration is open all of them get an account, and one is the administrator")
    func openRegistration() async throws {
        try await Self.withStores { stores, pool in
            let outcomes = await Self.race(stores, (0..<16).map { "user\($0)" }, isOpen: true)
            let users = try outcomes.compactMap { try $0.get() }
            #expect(users.count == 16)
            #expect(users.count { $0.role == .admin } == 1)
            #expect(try await pool.first(Self.counts) == [16, 16, 1])
        }
    }

    @Test("Of many who want one name at once, in any case of letters, one gets it")
    func oneName() async throws {
        try await Self.withStores { stores, pool in
            let outcomes = await Self.race(stores, (0..<16).map { $0 % 2 == 0 ? "Alice" : "aLICE" }, isOpen: true)
            let failures = outcomes.compactMap { outcome -> StoreError? in
                if case .failure(let error) = outcome { error } else { nil }
            }
            #expect(failures.count == outcomes.count - 1)
            #expect(Set(failures) == [.conflict(constraint: "users_username_key_key")])
            let counts = try await pool.first(Self.counts)
            #expect(counts == [1, 1, 1])
        }
    }

    @Test("A session is found by its token until it expires or ends")
    func sessions() async throws {
        try await Self.withStores { stores, _ in
            let store = stores[0]
            let registration = Self.registration("alice")
            let user = try #require(try await store.register(registration, isOpen: false, until: Self.deadline()))
            let tokens = registration.session.tokens
            func caller(_ digest: SHA256Digest, _ moment: Timestamp) async throws -> EdgeCaller? {
                try await stores[1].caller(
                    of: digest, isKey: false, wantsFactor: false, at: moment, until: Self.deadline())
            }
            let found = try await caller(tokens.tokenDigest, registration.at)
            #expect(found?.user == user.id && found?.credential == registration.session.id.uuid)
            #expect(found?.isAdministrator == true && found?.timeZone == "UTC")
            #expect(try await caller(tokens.tokenDigest, tokens.expiresAt) == nil)
            #expect(try await caller(tokens.refreshDigest, registration.at) == nil)
            let stranger = UserID(Self.ids.next())
            #expect(try await !store.end(registration.session.id, of: stranger, until: Self.deadline()))
            #expect(try await store.end(registration.session.id, of: user.id, until: Self.deadline()))
            #expect(try await caller(tokens.tokenDigest, registration.at) == nil)
        }
    }

    private static let waitingReset = PGStatement(
        "tests.waitingReset",
        """
        SELECT EXISTS (SELECT FROM pg_stat_activity
            WHERE wait_event_type = 'Lock' AND query LIKE 'UPDATE users SET password_hash = $2, given_hash = $2%')
        """
    ) { row throws(PGError) in try row.next(Bool.self) }

    /// A session opened with the former password used to outlive the change that was to end it.
    @Test("Who logs in while their password is changed has no session with the old one, whichever is first")
    func changedMeanwhile() async throws {
        try await Self.withStores { stores, pool in
            let registration = Self.registration("alice")
            let user = try #require(try await stores[0].register(registration, isOpen: false, until: Self.deadline()))
            let name = Username("alice")
            let known = try await stores[0].credentials(
                of: name, from: nil, decoy: "$scrypt$nobody", until: Self.deadline())
            let reset = try await stores[1].resetPassword(
                of: "alice", to: "$scrypt$2", limits: GatewayLimits(), until: Self.deadline())
            #expect(reset == user.id)
            let session = Self.registration("alice").session
            let attempt = LoginAttempt.login(name, from: "192.0.2.1", isKnown: false, limits: GatewayLimits())
            do throws(StoreError) {
                _ = try await stores[0].open(
                    GatewayStore.OpenedLogin(
                        credentials: known, session: session, attempt: attempt, newHash: nil, shownFactor: nil),
                    at: registration.at, limits: GatewayLimits(), until: Self.deadline())
                Issue.record("the old password opened a session")
            } catch .conflict {}
            #expect(try await pool.first(Self.counts) == [1, 0, 1])

            // The login comes first and is in progress when the password changes: its session is ended with the others.
            let values: [PGValue] = [
                .id(session.id), .id(user.id), .bytea(session.tokens.tokenDigest.bytes),
                .bytea(session.tokens.refreshDigest.bytes), .moment(registration.at),
                .moment(session.tokens.expiresAt), .moment(session.tokens.refreshExpiresAt), .text(nil), .text(nil),
                .text("$scrypt$2"), .moment(nil),
            ]
            let (resets, started) = AsyncStream.makeStream(of: Task<UserID?, any Error>.self)
            try await pool.withTransaction(deadline: Self.deadline()) { transaction throws(PGError) in
                try await transaction.execute(GatewayQueries.openSession, values)
                started.yield(
                    Task {
                        try await stores[1].resetPassword(
                            of: "alice", to: "$scrypt$3", limits: GatewayLimits(), until: Self.deadline())
                    })
                started.finish()
                let end = Self.deadline()
                while try await pool.first(Self.waitingReset) != true, ContinuousClock.now < end {
                    try? await Task.sleep(for: .milliseconds(5))
                }
            }
            for await reset in resets { #expect(try await reset.value == user.id) }
            #expect(try await pool.first(Self.counts) == [1, 0, 1])
        }
    }

    @Test("Of a token nothing but its digest is kept")
    func tokensAtRest() async throws {
        try await Self.withStores { stores, pool in
            let accounts = Accounts(
                store: stores[0], hasher: PasswordHasher(), clock: SystemWallClock(), ids: Self.ids,
                registration: .open, secret: .ofTests
            )
            let now = SystemWallClock().now
            let (session, token, refresh) = accounts.newSession(at: now)
            let registered = try await stores[0].register(
                GatewayStore.NewAccount(
                    id: UserID(Self.ids.next()), username: Username("alice"), passwordHash: "$scrypt$", at: now,
                    session: session), isOpen: false, until: Self.deadline())
            let user = try #require(registered)
            let rows = PGStatement("tests.sessions", "SELECT s::text FROM sessions s") { row throws(PGError) in
                try row.next(String.self)
            }
            let text = try await pool.query(rows).joined()
            #expect(!text.contains(token.text.revealed.dropFirst(Accounts.sessionPrefix.text.count)))
            #expect(!text.contains(refresh.text.revealed.dropFirst(Accounts.refreshPrefix.text.count)))
            let caller = try await Self.lookedUp(token, by: accounts)
            #expect(caller?.user == user.id)
        }
    }

    /// The caller that a token belongs to which has not been presented yet.
    private static func lookedUp(_ token: OpaqueToken, by accounts: Accounts) async throws -> EdgeCaller? {
        guard case .unread(wasGood: let wasGood, let lookUp) = accounts.credentials(token.text.revealed), !wasGood
        else {
            Issue.record("the token is known already")
            return nil
        }
        return try await lookUp(deadline())
    }

    @Test("Conditions that held are noted for one request of one person, until it is forgotten or a day has passed")
    func conditions() async throws {
        try await TestDatabase.withReplicas(2, migrations: GatewayService.migrations) { pools in
            let books = pools.map { OnceStore(database: Database(pool: $0), secret: .ofTests) }
            let store = GatewayStore(database: Database(pool: pools[0]))
            var people: [UserID] = []
            for name in ["alice", "bob"] {
                let user = try await store.register(Self.registration(name), isOpen: true, until: Self.deadline())
                people.append(try #require(user).id)
            }
            let request = EdgeOnce(key: "k", fingerprint: [1])
            func isNoted(_ request: EdgeOnce, of user: UserID) async throws -> Bool {
                try await books[1].isNoted(request, of: user, until: Self.deadline())
            }
            #expect(try await !isNoted(request, of: people[0]))
            for book in books { try await book.note(request, of: people[0], until: Self.deadline()) }
            #expect(try await isNoted(request, of: people[0]))
            #expect(try await !isNoted(request, of: people[1]))
            // Another request under the same key was not noted, and does not affect the one that was.
            let other = EdgeOnce(key: "k", fingerprint: [2])
            try await books[0].note(other, of: people[0], until: Self.deadline())
            try await books[0].forget(other, of: people[0], until: Self.deadline())
            #expect(try await !isNoted(other, of: people[0]))
            #expect(try await isNoted(request, of: people[0]))
            try await books[0].forget(request, of: people[0], until: Self.deadline())
            #expect(try await !isNoted(request, of: people[0]))
            // The key itself is as free as before.
            try await books[0].note(request, of: people[0], until: Self.deadline())
            let age = PGCommand("tests.age", "UPDATE idempotency_keys SET created_at = now() - interval '2 days'")
            try await pools[0].execute(age, deadline: Self.deadline())
            try await store.sweep(limits: GatewayLimits(), until: Self.deadline())
            #expect(try await !isNoted(request, of: people[0]))
        }
    }

    /// With it and a spent token, anyone who read the database could derive the valid tokens.
    @Test("What tokens follow from is kept no longer than they are told again")
    func salts() async throws {
        try await TestDatabase.withReplicas(1, migrations: GatewayService.migrations) { pools in
            let store = GatewayStore(database: Database(pool: pools[0]))
            for name in ["early", "late"] {
                _ = try await store.register(Self.registration(name), isOpen: true, until: Self.deadline())
            }
            let renewed = PGCommand(
                "tests.renewed",
                """
                UPDATE sessions s SET renewed_from = s.token_hash, renewal_salt = s.token_hash,
                    refreshed_at = now() - CASE u.username WHEN 'early' THEN interval '6 minutes' ELSE interval '1 minute' END
                FROM users u WHERE u.id = s.user_id
                """)
            try await pools[0].execute(renewed, deadline: Self.deadline())
            try await store.sweep(limits: GatewayLimits(), until: Self.deadline())
            let kept = PGStatement(
                "tests.kept",
                """
                SELECT u.username FROM sessions s JOIN users u ON u.id = s.user_id
                WHERE s.renewed_from IS NOT NULL AND s.renewal_salt IS NOT NULL
                """
            ) { row throws(PGError) in try row.next(String.self) }
            #expect(try await pools[0].query(kept) == ["late"])
        }
    }

    /// After a restart, valid tokens used to be refused in a network from which somebody made too many requests.
    @Test("A gateway that starts learns whose tokens are somebody's, and then those that others give out")
    func learntTokens() async throws {
        try await Self.withStores { stores, _ in
            func gateway(_ store: GatewayStore) -> Accounts {
                Accounts(
                    store: store, hasher: PasswordHasher(), clock: SystemWallClock(), ids: Self.ids,
                    registration: .open, secret: .ofTests)
            }
            func isGood(_ token: String, at accounts: Accounts) -> Bool {
                if case .unread(wasGood: true, _) = accounts.credentials(token) { true } else { false }
            }
            let first = gateway(stores[0])
            func register(_ name: String) async throws -> (user: UserID, token: OpaqueToken, session: SessionID) {
                let now = SystemWallClock().now
                let (session, token, _) = first.newSession(at: now)
                let registered = try await stores[0].register(
                    GatewayStore.NewAccount(
                        id: UserID(Self.ids.next()), username: Username(name), passwordHash: "$scrypt$", at: now,
                        session: session), isOpen: true, until: Self.deadline())
                return (try #require(registered).id, token, session.id)
            }
            let (alice, carol) = (try await register("alice"), try await register("carol"))
            #expect(try await stores[0].end(carol.session, of: carol.user, until: Self.deadline()))
            let second = gateway(stores[1])
            #expect(!isGood(alice.token.text.revealed, at: second))
            let upkeep = AccountUpkeep(accounts: second, logger: Logger(label: "tests"))
            let since = await upkeep.learnTokens()
            #expect(isGood(alice.token.text.revealed, at: second))
            #expect(!isGood(carol.token.text.revealed, at: second))
            #expect(!isGood(OpaqueToken(prefix: Accounts.sessionPrefix).text.revealed, at: second))

            let bob = try await register("bob")
            let made = try await CreateApiKey(
                accounts: first, once: OnceStore(database: stores[0].database, secret: .ofTests)
            ).run(
                CreateApiKeyInput(body: ApiKeyRequest(name: "script", scopes: [.read])),
                EdgeCaller(
                    user: bob.user, isAdministrator: false, timeZone: "UTC", credential: bob.session.uuid),
                EdgeContext(rpc: RPCContext(deadline: Self.deadline(), trace: .root()), clientAddress: "192.0.2.1"))
            let following = Task { await upkeep.followTokens(since: since) }
            let end = Self.deadline()
            while !isGood(bob.token.text.revealed, at: second), ContinuousClock.now < end {
                try await Task.sleep(for: .milliseconds(50))
            }
            #expect(isGood(bob.token.text.revealed, at: second))
            #expect(isGood(made.body.token, at: second))
            following.cancel()
            await following.value
        }
    }

    @Test("A token that was somebody's is known as such until a look-up says that it is nobody's")
    func goodTokens() async throws {
        try await Self.withStores { stores, _ in
            var limits = GatewayLimits()
            // Nothing is trusted without a look-up.
            limits.callerTrustTime = .zero
            limits.goodTokensMax = 4
            let accounts = Accounts(
                store: stores[0], hasher: PasswordHasher(), clock: SystemWallClock(), ids: Self.ids,
                registration: .open, secret: .ofTests, limits: limits)
            /// Whether the token was known to be valid before, and whether it is valid.
            func show(_ token: OpaqueToken) async throws -> [Bool] {
                guard case .unread(wasGood: let wasGood, let lookUp) = accounts.credentials(token.text.revealed) else {
                    return []
                }
                return [wasGood, try await lookUp(Self.deadline()) != nil]
            }
            let now = SystemWallClock().now
            let (session, token, _) = accounts.newSession(at: now)
            let registered = try await stores[0].register(
                GatewayStore.NewAccount(
                    id: UserID(Self.ids.next()), username: Username("alice"), passwordHash: "$scrypt$", at: now,
                    session: session), isOpen: false, until: Self.deadline())
            let user = try #require(registered)
            #expect(try await show(token) == [false, true])
            #expect(try await show(token) == [true, true])
            // Made-up tokens displace none that is valid.
            for _ in 0..<10 {
                #expect(try await show(OpaqueToken(prefix: Accounts.sessionPrefix)) == [false, false])
            }
            #expect(try await show(token) == [true, true])
            #expect(try await stores[0].end(session.id, of: user.id, until: Self.deadline()))
            #expect(try await show(token) == [true, false])
            #expect(try await show(token) == [false, false])
            guard case .nobody = accounts.credentials("reelay_st_short") else {
                Issue.record("junk costs a look-up")
                return
            }
        }
    }
}
