import AsyncHTTPClient
package import Contracts
package import Cryptography
import JSON
import NIOHTTP1
package import Store

/// Connects a person's Simkl account by a code that is entered there, and lets go of it again.
package struct SimklAccount: Sendable {
    private let store: ConnectionStore
    private let http: SimklHTTP
    private let clock: any WallClock
    private let ids: any IDSource

    package init(store: ConnectionStore, http: SimklHTTP, clock: any WallClock, ids: any IDSource) {
        self.store = store
        self.http = http
        self.clock = clock
        self.ids = ids
    }

    private func lane(_ user: UserID) -> LaneKey { LaneKey(user: user, provider: .simkl) }

    /// Where to send the browser.
    package func connect(
        _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> ConnectInvitation {
        let authorization = CodeAuthorization(state: RandomBytes.make(32), verifier: RandomBytes.make(32))
        try await store.openCodeFlow(lane(user), id: FlowID(ids.next()), authorization, until: deadline)
        let settings = http.settings
        return ConnectInvitation(
            authorizeUrl: authorization.url(
                atSimkl: settings.siteURL, clientID: settings.clientID, redirectURI: settings.redirectURI),
            state: authorization.state.revealed, redirectUri: settings.redirectURI,
            expiresAt: clock.now.advanced(by: TraktLimits.flowLife))
    }

    /// Ends a code flow. The state is used up first, whatever comes of the code; so is the code by the first try.
    package func complete(
        _ user: UserID, code: Secret, state: Secret, iss: String?, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> ConnectResult {
        let (isKnown, verifier) = try await store.takeFlow(lane(user), state: state, until: deadline)
        guard isKnown else { return .unknown }
        guard let verifier else { return .expired }
        guard CodeAuthorization.isIssuer(iss, of: http.settings.siteURL) else { return .refused }
        let answer = await form(
            "token",
            [
                ("grant_type", "authorization_code"), ("code", code.revealed),
                ("redirect_uri", http.settings.redirectURI), ("code_verifier", verifier.revealed),
            ], until: deadline)
        switch answer.map({ TokenReply(simkl: $0, now: clock.now) }) ?? .unknown {
        case .granted(let tokens):
            try await keep(tokens, of: user, until: deadline)
            return .connected
        case .invalidGrant, .clientRefused: return .refused
        case .wait, .unknown: return .unreachable
        }
    }

    /// A form to the place that gives out V2 tokens; nil where nothing came back.
    private func form(
        _ path: String, _ members: [(String, String)], until deadline: ContinuousClock.Instant
    ) async -> SimklAnswer? {
        let outcome = await http.form(path, members, until: min(deadline, .now + SimklLimits.connectTimeout))
        if case .answered(let answer) = outcome { return answer } else { return nil }
    }

    /// A code to enter at Simkl; nil where Simkl gives out none now.
    package func start(
        _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> DeviceInvitation? {
        let outcome = await http.call(.GET, "oauth/pin", until: min(deadline, .now + SimklLimits.connectTimeout))
        guard case .answered(let answer) = outcome, answer.status == 200,
            let pin = answer.json.flatMap({ SimklPIN($0) })
        else { return nil }
        let flow = FlowID(ids.next())
        try await store.openDeviceFlow(
            lane(user), id: flow, code: Secret(pin.userCode), interval: pin.interval, life: pin.life, until: deadline)
        return DeviceInvitation(
            flow: flow, userCode: pin.userCode, verificationUrl: pin.verificationURL,
            intervalSeconds: Int(pin.interval.components.seconds), expiresAt: clock.now.advanced(by: pin.life))
    }

    /// What became of a code, and how long to wait before asking again. Simkl is asked no sooner than it allows.
    package func poll(
        _ user: UserID, _ flow: FlowID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> (result: ConnectResult, retryAfter: Duration?) {
        let (code, interval): (Secret, Duration)
        switch try await store.pollFlow(lane(user), flow, until: deadline) {
        case .unknown: return (.unknown, nil)
        case .expired:
            try await store.endFlow(flow, of: user, until: deadline)
            return (.expired, nil)
        case .wait(let time): return (.pending, time)
        case .ask(let pin, let pause): (code, interval) = (pin, pause)
        }
        let outcome = await http.call(
            .GET, "oauth/pin/\(code.revealed)", until: min(deadline, .now + SimklLimits.connectTimeout))
        guard case .answered(let answer) = outcome else { return (.pending, interval) }
        switch SimklPINReply(answer, now: clock.now) {
        case .granted(let tokens):
            // Tokens go to nobody who ended the flow meanwhile, and to one caller only.
            guard try await store.endFlow(flow, of: user, until: deadline) else { return (.unknown, nil) }
            try await keep(tokens, of: user, until: deadline)
            return (.connected, nil)
        case .pending, .unreachable: return (.pending, interval)
        case .slowDown:
            let time = interval + SimklLimits.slowDown
            try await store.slowFlow(flow, of: user, to: time, until: deadline)
            return (.pending, time)
        case .gone:
            try await store.endFlow(flow, of: user, until: deadline)
            // Within its life a code goes only where it was turned down or somebody has taken it.
            return (.denied, nil)
        case .clientRefused:
            try await store.endFlow(flow, of: user, until: deadline)
            return (.refused, nil)
        }
    }

    /// Lets go of an account: its jobs are taken back. A token of the first kind (V1) cannot be revoked: who connected withdraws
    /// the application there, at Connected Apps.
    package func disconnect(
        _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        let ended = try await store.disconnect(lane(user), at: clock.now, until: deadline)
        if let access = ended.access {
            _ = await form("revoke", [("token", access.revealed)], until: min(deadline, .now + .seconds(5)))
        }
        return ended.wasConnected
    }

    /// Stored before anything else is asked with it. Where Simkl does not say whose account it is, the next sync asks.
    private func keep(
        _ tokens: AccountTokens, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await store.connect(lane(user), tokens, usesSecret: false, until: deadline)
        guard let account = await account(tokens.access, until: deadline) else { return }
        _ = try await store.confirm(lane(user), account, connectedAt: tokens.issuedAt, until: deadline)
    }

    /// Clients have always posted; the newer reference reads.
    private func account(_ token: Secret, until deadline: ContinuousClock.Instant) async -> RemoteAccount? {
        let end = min(deadline, .now + SimklLimits.connectTimeout)
        var outcome = await http.call(.POST, "users/settings", .bytes(Array("{}".utf8)), token: token, until: end)
        if case .answered(let answer) = outcome, answer.status == 404 || answer.status == 405 {
            outcome = await http.call(.GET, "users/settings", token: token, until: end)
        }
        guard case .answered(let answer) = outcome, answer.status == 200, let value = answer.json else { return nil }
        return SimklRows.account(value)
    }
}
