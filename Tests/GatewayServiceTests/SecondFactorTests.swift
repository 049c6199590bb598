import Contracts
import Cryptography
import Postgres
import RPC
import Store
import Testing

@testable import GatewayService

extension Household {
    private var once: OnceStore { OnceStore(database: store.database, secret: .ofTests) }

    /// Begins to set up a second factor; returns the generator of its codes.
    fileprivate func begin(_ caller: EdgeCaller) async throws(RPCError) -> TOTP {
        let begun = try await BeginSecondFactor(accounts: accounts).run(
            BeginSecondFactorInput(), caller, Self.context()
        ).body
        guard let totp = Base32.decode(begun.secret).flatMap({ TOTP($0) }) else { throw .internal("no secret") }
        return totp
    }

    fileprivate func confirm(
        _ caller: EdgeCaller, _ code: String, key: String? = nil
    ) async throws(RPCError) -> [String] {
        try await ConfirmSecondFactor(accounts: accounts, once: once).run(
            ConfirmSecondFactorInput(body: SecondFactorCode(code: code)), caller,
            Self.context(once: key.map { EdgeOnce(key: $0, fingerprint: Array(code.utf8)) })
        ).body.recoveryCodes
    }

    fileprivate func removeFactor(_ caller: EdgeCaller, _ code: String) async throws(RPCError) {
        _ = try await RemoveSecondFactor(accounts: accounts, once: once).run(
            RemoveSecondFactorInput(body: SecondFactorCode(code: code)), caller, Self.context())
    }

    /// The code of the step that is `steps` after the current one.
    fileprivate func code(_ totp: TOTP, _ steps: Int = 0) -> String {
        totp.code(at: TOTP.step(atUnixSeconds: wall.now.microsecondsSinceEpoch / 1_000_000) + steps)
    }

    fileprivate func loginRefusal(
        _ name: String, _ code: String?, _ password: String = Household.phrase, at copy: Int = 0
    ) async -> RegistryError? {
        await Self.refusal { () async throws(RPCError) in
            _ = try await logIn(name, password, at: copy, code: code)
        }
    }

    /// The refusal of a login from another network.
    fileprivate func elsewhere(
        _ name: String, _ code: String?, at copy: Int = 0, from address: String = "198.51.100.7"
    ) async -> RegistryError? {
        await Self.refusal { () async throws(RPCError) in
            _ = try await Login(accounts: copies[copy]).run(
                LoginInput(body: LoginRequest(username: name, password: Self.phrase, code: code)),
                EdgeContext(
                    rpc: RPCContext(deadline: Self.deadline(), trace: .root()), clientAddress: address))
        }
    }

    /// Registers an account and turns on its second factor.
    fileprivate func enrol(
        _ name: String
    ) async throws -> (grant: SessionGrant, caller: EdgeCaller, totp: TOTP, codes: [String]) {
        let grant = try await register(name)
        let found = try await caller(grant)
        let asking = try #require(found)
        let totp = try await begin(asking)
        let codes = try await confirm(asking, code(totp))
        return (grant, asking, totp, codes)
    }
}

/// Codes from an app, in addition to the password.
@Suite struct SecondFactorTests {
    private static let step = Duration.seconds(30)

    @Test("A login wants a code from then on; each code of the app, and each recovery code, is good once")
    func login() async throws {
        try await Household.live { home async throws in
            let other = try await home.register("alice")
            let grant = try await home.logIn("alice")
            let found = try await home.caller(grant)
            let alice = try #require(found)
            let totp = try await home.begin(alice)
            // Until it is confirmed, it protects nothing.
            #expect(await home.loginRefusal("alice", nil) == nil)
            let codes = try await home.confirm(alice, home.code(totp))
            #expect(codes.count == 10 && Set(codes).count == 10)
            let (gone, kept) = (try await home.caller(other), try await home.caller(grant))
            #expect(gone == nil && kept != nil, "the other sessions have ended")

            #expect(await home.loginRefusal("alice", nil) == .secondFactorRequired)
            #expect(await home.loginRefusal("alice", nil, "not this phrase") == .invalidCredentials)
            #expect(await home.loginRefusal("alice", home.code(totp)) == .invalidCredentials, "it confirmed")
            home.wall.pass(Self.step)
            #expect(await home.loginRefusal("alice", home.code(totp), "not this phrase") == .invalidCredentials)
            let code = home.code(totp)
            let next = try await home.logIn("alice", code: code)
            #expect(next.user.secondFactor == true)
            for copy in 0..<2 { #expect(await home.loginRefusal("alice", code, at: copy) == .invalidCredentials) }
            #expect(await home.loginRefusal("alice", home.code(totp, -1)) == .invalidCredentials, "an earlier one")
            #expect(await home.loginRefusal("alice", home.code(totp, 2)) == .invalidCredentials)
            #expect(await home.loginRefusal("alice", home.code(totp, 1)) == nil)

            #expect(await home.loginRefusal("alice", codes[3].lowercased()) == nil)
            #expect(await home.loginRefusal("alice", codes[3]) == .invalidCredentials)
            #expect(await home.loginRefusal("alice", RecoveryCode().text.revealed) == .invalidCredentials)
        }
    }

    @Test(
        "In 90 seconds a code comes late or early by a step, in 30 by none, whether it turns the factor on or logs in",
        arguments: CodeLife.allCases)
    func codeLife(_ life: CodeLife) async throws {
        let away = life == .neighbouringSteps ? 1 : 0
        try await Household.live(codeLife: life) { home async throws in
            let grant = try await home.register("alice")
            let found = try await home.caller(grant)
            let alice = try #require(found)
            let totp = try await home.begin(alice)
            func confirmation(_ steps: Int) async -> RegistryError? {
                await Household.refusal { () async throws(RPCError) in
                    _ = try await home.confirm(alice, home.code(totp, steps))
                }
            }
            for steps in -2...2 where abs(steps) > away {
                #expect(await confirmation(steps) == .wrongCode, "\(steps)")
            }
            #expect(await confirmation(-away) == nil)
            // Far from the step that was taken.
            home.wall.pass(.seconds(300))
            for steps in -2...2 {
                let refusal = await home.loginRefusal("alice", home.code(totp, steps))
                #expect(refusal == (abs(steps) <= away ? nil : .invalidCredentials), "\(steps)")
            }
        }
    }

    @Test("Of many who show one code at once, at all copies, one gets in")
    func atOnce() async throws {
        var limits = GatewayLimits()
        limits.accountFailuresMax = 100
        try await Household.live(limits) { home async throws in
            let (_, _, totp, codes) = try await home.enrol("alice")
            home.wall.pass(Self.step)
            for code in [home.code(totp), codes[0]] {
                let outcomes = await withTaskGroup(of: RegistryError?.self) { group in
                    for number in 0..<8 {
                        group.addTask { await home.loginRefusal("alice", code, at: number % 2) }
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                #expect(outcomes.count { $0 == nil } == 1, "\(outcomes)")
                #expect(outcomes.count { $0 == .invalidCredentials } == 7, "\(outcomes)")
            }
        }
    }

    @Test(
        "Wrong codes are counted as wrong passwords are, a missing one is not, and nobody is kept out at home by others"
    )
    func guesses() async throws {
        var limits = GatewayLimits()
        limits.accountFailuresMax = 3
        limits.failureWaitMin = .seconds(60)
        try await Household.live(limits) { home async throws in
            let (_, alice, totp, codes) = try await home.enrol("alice")
            // From here on, the network is known.
            home.wall.pass(Self.step)
            _ = try await home.logIn("alice", code: home.code(totp))
            for _ in 0..<8 { #expect(await home.elsewhere("alice", nil) == .secondFactorRequired) }
            for _ in 0..<3 { #expect(await home.elsewhere("alice", "none") == .invalidCredentials) }
            #expect(await home.elsewhere("alice", codes[0]) == .tooManyAttempts)
            #expect(await home.loginRefusal("alice", codes[0]) == nil)

            for _ in 0..<3 {
                let wrong = await Household.refusal { () async throws(RPCError) in
                    try await home.removeFactor(alice, "none")
                }
                #expect(wrong == .wrongCode)
            }
            let late = await Household.refusal { () async throws(RPCError) in
                try await home.removeFactor(alice, codes[1])
            }
            #expect(late == .tooManyAttempts)
        }
    }

    @Test(
        "After so many wrong codes from elsewhere only recovery codes let in there, and at home the app goes on doing so"
    )
    func guessesAtLength() async throws {
        var limits = GatewayLimits()
        limits.wrongCodesMax = 3
        try await Household.live(limits) { home async throws in
            let (_, _, totp, codes) = try await home.enrol("alice")
            home.wall.pass(Self.step)
            #expect(await home.loginRefusal("alice", home.code(totp)) == nil, "from here on the network is known")
            for copy in [0, 1, 0] { #expect(await home.elsewhere("alice", "none", at: copy) == .invalidCredentials) }
            home.wall.pass(Self.step)
            #expect(await home.elsewhere("alice", home.code(totp), at: 1) == .invalidCredentials)
            for _ in 0..<4 { #expect(await home.loginRefusal("alice", "none") == .invalidCredentials) }
            #expect(await home.elsewhere("alice", home.code(totp)) == .invalidCredentials)
            #expect(await home.loginRefusal("alice", home.code(totp)) == nil, "what was refused was not taken")

            // That login restarts the count, and so does a recovery code.
            for _ in 0..<3 { #expect(await home.elsewhere("alice", "none") == .invalidCredentials) }
            home.wall.pass(Self.step)
            #expect(await home.elsewhere("alice", home.code(totp)) == .invalidCredentials)
            #expect(await home.elsewhere("alice", codes[0]) == nil)
            #expect(await home.elsewhere("alice", home.code(totp), from: "203.0.113.9") == nil)
        }
    }

    @Test("Who knows the password as well has no more guesses by changing it, and wrong codes keep nobody from that")
    func guessesBetweenPasswords() async throws {
        var limits = GatewayLimits()
        limits.accountFailuresMax = 3
        limits.failureWaitMin = .seconds(60)
        try await Household.live(limits) { home async throws in
            let (_, alice, _, codes) = try await home.enrol("alice")
            func removal(_ code: String) async -> RegistryError? {
                await Household.refusal { () async throws(RPCError) in try await home.removeFactor(alice, code) }
            }
            for _ in 0..<2 { #expect(await removal("none") == .wrongCode) }
            try await home.changePassword(alice, from: Household.phrase, to: "a newer odd phrase")
            #expect(await removal("none") == .wrongCode)
            #expect(await removal(codes[0]) == .tooManyAttempts)
            try await home.changePassword(alice, from: "a newer odd phrase", to: Household.phrase)
            #expect(await removal(codes[0]) == .tooManyAttempts)
            // A reset clears wrong codes as it does wrong passwords, and ends the session.
            let hash = try await home.accounts.hash("given by a command")
            _ = try await home.store.resetPassword(
                of: "alice", to: hash, limits: limits, until: Household.deadline())
            #expect(await removal(codes[0]) == .loginTooOld)
        }
    }

    @Test(
        "It is begun and removed by a session of a login lately, confirmed within ten minutes, and there is one at a time"
    )
    func order() async throws {
        try await Household.live { home async throws in
            let grant = try await home.register("alice")
            let found = try await home.caller(grant)
            let alice = try #require(found)
            func confirmation(_ code: String) async -> RegistryError? {
                await Household.refusal { () async throws(RPCError) in _ = try await home.confirm(alice, code) }
            }
            #expect(await confirmation("123456") == .secondFactorNotFound)
            let first = try await home.begin(alice)
            let second = try await home.begin(alice)
            #expect(await confirmation(home.code(first)) == .wrongCode, "another one took its place")
            home.wall.pass(.seconds(601))
            #expect(await confirmation(home.code(second)) == .secondFactorNotFound)
            home.wall.pass(.seconds(300))
            let old = await Household.refusal { () async throws(RPCError) in _ = try await home.begin(alice) }
            #expect(old == .loginTooOld)

            let again = try await home.logIn("alice")
            let fresh = try await home.caller(again)
            let asking = try #require(fresh)
            let totp = try await home.begin(asking)
            let codes = try await home.confirm(asking, home.code(totp), key: "k")
            let repeated = try await home.confirm(asking, home.code(totp), key: "k")
            #expect(repeated == codes)
            let exists = await Household.refusal { () async throws(RPCError) in _ = try await home.begin(asking) }
            #expect(exists == .secondFactorExists)
            let reused = await Household.refusal { () async throws(RPCError) in
                try await home.removeFactor(asking, home.code(totp))
            }
            #expect(reused == .wrongCode)
            home.wall.pass(.seconds(901))
            let stale = await Household.refusal { () async throws(RPCError) in
                try await home.removeFactor(asking, codes[0])
            }
            #expect(stale == .loginTooOld)
            let last = try await home.logIn("alice", code: codes[0])
            let present = try await home.caller(last)
            let owner = try #require(present)
            try await home.removeFactor(owner, codes[1])
            #expect(await home.loginRefusal("alice", nil) == nil)
            let none = await Household.refusal { () async throws(RPCError) in
                try await home.removeFactor(owner, codes[2])
            }
            #expect(none == .secondFactorNotFound)
        }
    }

    @Test(
        "Where everybody has to have one, sessions and keys without one are marked, and are free at once when it is on")
    func required() async throws {
        try await Household.live(secondFactor: .required) { home async throws in
            let grant = try await home.register("alice")
            let key = APIKey(prefix: Accounts.keyPrefix)
            let found = try await home.caller(grant)
            let alice = try #require(found)
            _ = try await home.pool.first(
                GatewayQueries.createKey,
                [
                    .id(APIKeyID(SystemIDSource().next())), .id(alice.user), .text("k"), .text("k"),
                    .bytea(key.digest.bytes), .textArray(["read"]), .moment(home.wall.now), .moment(nil), .int(5),
                ])
            func marks() async throws -> [Bool?] {
                var marks: [Bool?] = []
                for copy in 0..<2 {
                    marks.append(try await home.caller(grant, at: copy)?.lacksSecondFactor)
                    let scripts = try await home.copies[copy].store.caller(
                        of: key.digest, isKey: true, wantsFactor: true, at: home.wall.now, until: Household.deadline())
                    marks.append(scripts?.lacksSecondFactor)
                }
                return marks
            }
            /// The number of credentials, of the session and the key, whose event streams continue.
            func heard() async throws -> Int {
                let key = try await home.store.caller(
                    of: key.digest, isKey: true, wantsFactor: false, at: home.wall.now, until: Household.deadline())
                return try await home.accounts.alive([alice.credential, try #require(key).credential]).count
            }
            let before = try await marks()
            #expect(before == [true, true, true, true])
            let unheard = try await heard()
            #expect(unheard == 0)
            let totp = try await home.begin(alice)
            _ = try await home.confirm(alice, home.code(totp))
            let after = try await marks()
            #expect(after == [false, false, false, false])
            let others = try await heard()
            #expect(others == 2)
        }
    }

    /// Its session used to be one without a code, or with a code of a device that had been replaced.
    @Test(
        "A login that looked before the factor was turned on, or showed a code of another one, opens no session after it"
    )
    func turnedOnMeanwhile() async throws {
        try await Household.live { home async throws in
            _ = try await home.enrol("alice")
            let on = home.wall.now
            let known = try await home.store.credentials(
                of: Username("alice"), from: nil, decoy: "x", until: Household.deadline())
            let attempt = LoginAttempt.login(
                Username("alice"), from: "192.0.2.1", isKnown: false, limits: GatewayLimits())
            for shownFactor in [nil, on.advanced(by: .seconds(-60)), on] {
                let (session, _, _) = home.accounts.newSession(at: home.wall.now)
                let login = GatewayStore.OpenedLogin(
                    credentials: known, session: session, attempt: attempt, newHash: nil, shownFactor: shownFactor)
                var isOpen = true
                do throws(StoreError) {
                    _ = try await home.store.open(
                        login, at: home.wall.now, limits: GatewayLimits(), until: Household.deadline())
                } catch .conflict {
                    isOpen = false
                }
                #expect(isOpen == (shownFactor == on))
            }
        }
    }

    private static let stored = PGStatement(
        "tests.factors", "SELECT user_id, secret FROM second_factors ORDER BY user_id"
    ) { row throws(PGError) in SealedFactor(user: try row.next(), secret: try row.next()) }
    private static let swap = PGCommand("tests.swap", "UPDATE second_factors SET secret = $2 WHERE user_id = $1")

    @Test("The secret is sealed to its person, and of recovery codes only digests are kept")
    func atRest() async throws {
        try await Household.live { home async throws in
            let (_, alice, totp, _) = try await home.enrol("alice")
            let (_, bob, _, _) = try await home.enrol("bob")
            let rows = try await home.pool.query(Self.stored)
            let hers = try #require(rows.first { $0.user == alice.user })
            #expect(rows.count == 2 && hers.secret.count > TOTP.secretBytes + 28)
            #expect(!String(decoding: hers.secret, as: UTF8.self).contains(Base32.encode(totp.secret)))
            try await home.pool.execute(
                Self.swap, [.id(bob.user), .bytea(hers.secret)], deadline: Household.deadline())
            home.wall.pass(Self.step)
            await #expect(throws: StoreError.self, "it does not open there") {
                try await home.accounts.factors.take(
                    home.code(totp), of: bob.user, at: home.wall.now, wrongMax: nil, until: Household.deadline())
            }
        }
    }

    @Test("A new service secret seals again what the old one has sealed; without that only recovery codes are left")
    func rotation() async throws {
        try await Household.live { home async throws in
            let (_, alice, totp, codes) = try await home.enrol("alice")
            let on = home.wall.now
            home.wall.pass(Self.step)
            func factors(_ secret: String) -> SecondFactorStore {
                SecondFactorStore(
                    database: home.store.database, secret: Secret(secret), codeLife: .neighbouringSteps)
            }
            func take(_ secret: String, _ code: String) async throws -> SecondFactorStore.Verdict {
                try await factors(secret).take(
                    code, of: alice.user, at: home.wall.now, wrongMax: nil, until: Household.deadline())
            }
            await #expect(throws: StoreError.self) { try await take("new", home.code(totp)) }
            let recovered = try await take("new", codes[0])
            #expect(recovered == .taken(of: on))
            let lost = try await factors("new").reseal(pageRows: 1, until: Household.deadline())
            #expect(lost.sealed == 0 && lost.lost == 1)
            let sealed = try await factors("new,a secret of the tests").reseal(pageRows: 1, until: Household.deadline())
            #expect(sealed.sealed == 1 && sealed.lost == 0)
            let taken = try await take("new", home.code(totp))
            #expect(taken == .taken(of: on))
            let rest = try await factors("new").reseal(pageRows: 1, until: Household.deadline())
            #expect(rest.sealed == 0 && rest.lost == 0)
        }
    }

    @Test("Whoever runs the machine takes it away, and its sessions with it")
    func takenAway() async throws {
        try await Household.live { home async throws in
            let (grant, alice, _, _) = try await home.enrol("alice")
            let removed = try await home.store.removeFactor(of: "Alice", until: Household.deadline())
            #expect(removed?.user == alice.user && removed?.hadOne == true)
            let gone = try await home.caller(grant, at: 1)
            #expect(gone == nil)
            #expect(await home.loginRefusal("alice", nil) == nil)
            let again = try await home.store.removeFactor(of: "alice", until: Household.deadline())
            #expect(again?.hadOne == false)
            let nobody = try await home.store.removeFactor(of: "nobody", until: Household.deadline())
            #expect(nobody == nil)
        }
    }
}
