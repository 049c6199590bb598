import AsyncHTTPClient
import Contracts
import Cryptography
import NIOPosix
import Postgres
import Store
import TestSupport
import Testing
import UpstreamEmulators

@testable import ScrobbleService

/// Connecting a Trakt account by both flows, and everything that must not connect one.
@Suite struct TraktAccountTests {
    struct Setting: Sendable {
        let pool: PGPool
        let store: ConnectionStore
        let account: TraktAccount
        let http: TraktHTTP
        let browser: TraktBrowser
        let trakt: TraktAccounts
        let user = UserID(SystemIDSource().next())

        var lane: LaneKey { LaneKey(user: user, provider: .trakt) }

        func begin(_ user: UserID? = nil) async throws -> ConnectInvitation {
            try await account.connect(user ?? self.user, until: QueueTest.deadline())
        }

        func complete(
            _ code: String?, _ state: String?, iss: String? = nil, by user: UserID? = nil
        ) async throws -> ConnectResult {
            try await account.complete(
                user ?? self.user, code: Secret(code ?? ""), state: Secret(state ?? ""), iss: iss,
                until: QueueTest.deadline())
        }

        /// Returns the connection's state, or `disconnected` if there is none.
        func state(of user: UserID? = nil) async throws -> ConnectionState {
            try await store.list(of: user ?? self.user, until: QueueTest.deadline()).first?.state ?? .disconnected
        }
    }

    static func run(_ body: @escaping @Sendable (Setting) async throws -> Void) async throws {
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let pool = pools[0]
            try await RunningUpstreams.run { upstreams in
                let client = HTTPClient(
                    eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
                    configuration: .init(redirectConfiguration: .disallow))
                let store = ConnectionStore(
                    database: Database(pool: pool), sealer: Sealer(try KeyRing(parsing: KeyRing.makeLine(id: "test"))))
                let http = TraktTest.http(upstreams, client)
                let setting = Setting(
                    pool: pool, store: store,
                    account: TraktAccount(
                        store: store, http: http, clock: SystemWallClock(), ids: SystemIDSource()),
                    http: http, browser: TraktBrowser(client: client), trakt: upstreams.server.traktAccounts)
                let outcome: (any Error)?
                do {
                    try await body(setting)
                    outcome = nil
                } catch {
                    outcome = error
                }
                try await client.shutdown()
                if let outcome { throw outcome }
            }
        }
    }

    @Test("By the code flow: browser there and back, then the account is connected, named and switched off")
    func codeFlow() async throws {
        try await Self.run { setting in
            let invitation = try await setting.begin()
            let back = try await setting.browser.approve(invitation.authorizeUrl, as: "alice")
            #expect(
                back.address?.hasPrefix(TraktTest.redirect + "?") == true && back.field("state") == invitation.state)
            #expect(try await setting.complete(back.field("code"), back.field("state")) == .connected)
            let connection = try #require(
                try await setting.store.list(of: setting.user, until: QueueTest.deadline()).first)
            #expect(connection.account == "alice" && connection.state == .connected)
            #expect(!connection.isEnabled && connection.policies.isEmpty, "off until its person says so")
        }
    }

    @Test("The address of the browser's way there has state and an S256 challenge, and no secret")
    func authorizeURL() async throws {
        try await Self.run { setting in
            let url = try await setting.begin().authorizeUrl
            let fields = AddressText.query(try #require(url.split(separator: "?").last))
            #expect(
                fields.map(\.name) == [
                    "response_type", "client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method",
                ])
            #expect(fields.first { $0.name == "redirect_uri" }?.value == TraktTest.redirect)
            #expect(fields.first { $0.name == "code_challenge_method" }?.value == "S256")
            #expect(fields.first { $0.name == "state" }?.value.utf8.count == 43, "256 bits")
        }
    }

    @Test("A state is good once, for who began, while it lives; the callback twice connects once")
    func states() async throws {
        try await Self.run { setting in
            let mallory = UserID(SystemIDSource().next())
            let invitation = try await setting.begin()
            let back = try await setting.browser.approve(invitation.authorizeUrl, as: "alice")
            let (code, state) = (back.field("code"), back.field("state"))
            // Somebody else's state, or a guessed one, achieves nothing, and the flow goes on.
            #expect(try await setting.complete(code, state, by: mallory) == .unknown)
            #expect(try await setting.complete(code, "guessed") == .unknown)
            #expect(try await setting.state(of: mallory) == .disconnected)
            #expect(try await setting.complete(code, state) == .connected)
            #expect(try await setting.complete(code, state) == .unknown, "replayed")
            #expect(try await setting.state() == .connected, "a replay ends nothing")

            let late = try await setting.begin(mallory)
            let lateBack = try await setting.browser.approve(late.authorizeUrl, as: "mallory")
            _ = try await setting.pool.execute(
                PGCommand("tests.age", "UPDATE oauth_flows SET expires_at = now() - interval '1 second'"), [])
            #expect(
                try await setting.complete(lateBack.field("code"), lateBack.field("state"), by: mallory) == .expired)
            #expect(try await setting.state(of: mallory) == .disconnected)
        }
    }

    @Test(
        "A wrong issuer, a code of elsewhere, another's code, a challenge left out: refused, and the state is used up")
    func codes() async throws {
        try await Self.run { setting in
            func attempt(
                iss: String? = nil, change: (ConnectInvitation, TraktBrowser.Return) async throws -> String?
            ) async throws -> ConnectResult {
                let invitation = try await setting.begin()
                let back = try await setting.browser.approve(invitation.authorizeUrl, as: "alice")
                let result = try await setting.complete(
                    try await change(invitation, back), invitation.state, iss: iss)
                #expect(try await setting.state() == .disconnected)
                #expect(
                    try await setting.complete(back.field("code"), invitation.state) == .unknown, "the state lived on")
                return result
            }
            let wrongIssuer = try await attempt(iss: "https://evil.example") { $1.field("code") }
            #expect(wrongIssuer == .refused)
            let otherProvider = try await attempt { _, _ in "a-code-of-another-provider" }
            #expect(otherProvider == .refused)
            // A code that somebody else obtained for their own flow.
            let injected = try await attempt { _, _ in
                let other = try await setting.begin(UserID(SystemIDSource().next()))
                return try await setting.browser.approve(other.authorizeUrl, as: "mallory").field("code")
            }
            #expect(injected == .refused)
            // The challenge was cut from the address in transit, so the code is not bound to anything.
            let downgraded = try await attempt { invitation, _ in
                let cut = invitation.authorizeUrl.replacing(
                    /&code_challenge=[^&]*&code_challenge_method=S256/, with: "")
                return try await setting.browser.approve(cut, as: "alice").field("code")
            }
            #expect(downgraded == .refused)
        }
    }

    @Test(
        "The browser is sent back to the one registered address, and to nothing like it",
        arguments: [
            "http://127.0.0.1:8080/oauth/trakt/callback/more", "http://127.0.0.1:8080/oauth/trakt/callback?next=evil",
            "http://127.0.0.1:9/oauth/trakt/callback", "http://evil@127.0.0.1:8080/oauth/trakt/callback",
            "http://127.0.0.1:8080/oauth/trakt/Callback", "https://127.0.0.1:8080/oauth/trakt/callback",
        ])
    func redirects(address: String) async throws {
        try await Self.run { setting in
            let invitation = try await setting.begin()
            #expect(invitation.redirectUri == TraktTest.redirect)
            let escaped = address.replacing(":", with: "%3A").replacing("/", with: "%2F").replacing("?", with: "%3F")
            let bent = invitation.authorizeUrl.replacing(/redirect_uri=[^&]*/, with: "redirect_uri=\(escaped)")
            let back = try await setting.browser.approve(bent, as: "alice")
            #expect(back.status == 400 && back.address == nil)
        }
    }

    @Test("By the device flow: waiting, agreed, connected; polling faster than allowed asks Trakt nothing")
    func deviceFlow() async throws {
        try await Self.run { setting in
            setting.trakt.tokens.behave { $0.deviceIntervalSeconds = 1 }
            let invitation = try #require(
                try await setting.account.startDevice(setting.user, until: QueueTest.deadline()))
            func poll(_ user: UserID? = nil) async throws -> (result: ConnectResult, retryAfter: Duration?) {
                try await setting.account.pollDevice(
                    user ?? setting.user, invitation.flow, until: QueueTest.deadline())
            }
            func due() async throws {
                _ = try await setting.pool.execute(
                    PGCommand("tests.due", "UPDATE oauth_flows SET next_poll_at = now() - interval '1 second'"), [])
            }
            // The first poll is allowed after one interval.
            let early = try await poll()
            #expect(early.result == .pending && early.retryAfter ?? .zero > .zero)
            try await due()
            #expect(try await poll().result == .pending)
            try await due()
            // The remote considers this too soon; the interval is longer from now on.
            let slowed = try await poll()
            #expect(slowed.result == .pending && slowed.retryAfter == .seconds(2))
            #expect(try await poll(UserID(SystemIDSource().next())).result == .unknown, "a guessed flow")
            setting.trakt.tokens.pass(seconds: 10)
            setting.trakt.tokens.decide(userCode: invitation.userCode, as: "alice")
            try await due()
            #expect(try await poll().result == .connected)
            #expect(try await poll().result == .unknown, "good once")
            #expect(try await setting.state() == .connected)
        }
    }

    @Test("A device's code that is denied or too old ends its flow and connects nothing")
    func deviceEnds() async throws {
        try await Self.run { setting in
            for isDenied in [true, false] {
                let invitation = try #require(
                    try await setting.account.startDevice(setting.user, until: QueueTest.deadline()))
                _ = try await setting.pool.execute(
                    PGCommand("tests.due", "UPDATE oauth_flows SET next_poll_at = now() - interval '1 second'"), [])
                if isDenied {
                    setting.trakt.tokens.decide(userCode: invitation.userCode, as: nil)
                } else {
                    setting.trakt.tokens.pass(seconds: 700)
                }
                let first = try await setting.account.pollDevice(
                    setting.user, invitation.flow, until: QueueTest.deadline())
                #expect(first.result == (isDenied ? .denied : .expired))
                let second = try await setting.account.pollDevice(
                    setting.user, invitation.flow, until: QueueTest.deadline())
                #expect(second.result == .unknown)
                #expect(try await setting.state() == .disconnected)
            }
        }
    }

    @Test(
        "Every status of a device's poll has its meaning",
        arguments: [200, 400, 401, 403, 404, 409, 410, 418, 429, 503])
    func deviceStatuses(status: Int) {
        let body = Array(#"{"access_token":"a","refresh_token":"r","expires_in":604800}"#.utf8)
        let now = SystemWallClock().now
        func reply(_ body: [UInt8], isHTML: Bool = false) -> DeviceReply {
            DeviceReply(
                TraktAnswer(status: status, isHTML: isHTML, retryAfter: nil, rateLimit: nil, body: body), now: now)
        }
        let expected: [Int: DeviceReply] = [
            400: .pending, 401: .clientRefused, 403: .clientRefused, 404: .unknownCode, 409: .used, 410: .expired,
            418: .denied, 429: .slowDown(nil), 503: .unreachable,
        ]
        if let expected = expected[status] {
            #expect(reply(Array("<html>".utf8), isHTML: status == 503) == expected)
        } else if case .granted(let tokens) = reply(body) {
            #expect(tokens.expiresAt == now.advanced(by: .seconds(604_800)))
            #expect(reply([]) == .unreachable, "tokens that cannot be read are none")
        } else {
            Issue.record("no tokens")
        }
    }

    @Test("Disconnecting revokes, takes the jobs back and keeps the settings; connecting again keeps them too")
    func disconnecting() async throws {
        try await Self.run { setting in
            func connect() async throws {
                let invitation = try await setting.begin()
                let back = try await setting.browser.approve(invitation.authorizeUrl, as: "alice")
                #expect(try await setting.complete(back.field("code"), back.field("state")) == .connected)
            }
            try await connect()
            let policy = FacetPolicy(direction: .both, conflicts: .theirs, deletes: false)
            try await setting.store.change(
                setting.lane, ConnectionStore.Change(isEnabled: true, policies: [.ratings: policy]),
                at: SystemWallClock().now, until: QueueTest.deadline())
            let queue = QueueStore(database: Database(pool: setting.pool))
            try await queue.enqueue([QueueTest.job(setting.lane)], until: QueueTest.deadline())
            let token = try #require(try await setting.store.tokens(of: setting.lane, until: QueueTest.deadline()))
            #expect(setting.trakt.tokens.account(of: token.access.revealed) == "alice")

            #expect(try await setting.account.disconnect(setting.user, until: QueueTest.deadline()))
            #expect(setting.trakt.tokens.account(of: token.access.revealed) == nil)
            #expect(try await setting.store.tokens(of: setting.lane, until: QueueTest.deadline()) == nil)
            #expect(try await setting.pool.query(QueueTest.waiting) == [0])
            #expect(try await QueueTest.outcomes(setting.pool) == ["cancelled: disconnected": 1])
            #expect(try await !setting.account.disconnect(setting.user, until: QueueTest.deadline()))

            try await connect()
            let again = try #require(try await setting.store.list(of: setting.user, until: QueueTest.deadline()).first)
            #expect(again.isEnabled && again.policies == [.ratings: policy] && again.state == .connected)
        }
    }

    @Test("No token, code, state or verifier stands readable in the database")
    func canaries() async throws {
        try await Self.run { setting in
            let invitation = try await setting.begin()
            let device = try #require(try await setting.account.startDevice(setting.user, until: QueueTest.deadline()))
            let back = try await setting.browser.approve(invitation.authorizeUrl, as: "alice")
            let dumpBefore = try await Self.dump(setting.pool)
            #expect(!dumpBefore.contains(invitation.state) && !dumpBefore.contains(device.userCode))
            #expect(try await setting.complete(back.field("code"), back.field("state")) == .connected)
            let tokens = try #require(try await setting.store.tokens(of: setting.lane, until: QueueTest.deadline()))
            let dump = try await Self.dump(setting.pool)
            for secret in [tokens.access, try #require(tokens.refresh)] {
                #expect(secret.revealed.utf8.count == 64)
                #expect(!dump.contains(secret.revealed) && !dump.contains(Hex.encode(Array(secret.revealed.utf8))))
            }
            #expect(!dump.contains(try #require(back.field("code"))))
        }
    }

    /// Returns every row of the tables that concern tokens, as text.
    private static func dump(_ pool: PGPool) async throws -> String {
        let statement = PGStatement(
            "tests.dump",
            "SELECT row_to_json(c)::text FROM scrobble_connections c UNION ALL SELECT row_to_json(f)::text FROM oauth_flows f"
        ) { row throws(PGError) in try row.next(String.self) }
        return try await pool.query(statement).joined(separator: "\n")
    }
}
