import AsyncHTTPClient
package import Contracts
package import Cryptography
import JSON
import NIOHTTP1
package import Store

/// Connects a person's Simkl account, by a code flow or a code entered at Simkl, and disconnects it.
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

    /// Opens a code flow and returns where to send the browser.
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

    /// Completes a code flow. The state is used up first, whatever happens to the code; the code is used up by the
    /// first try.
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

    /// Posts a form to Simkl's V2 token endpoints; nil if no answer came.
    private func form(
        _ path: String, _ members: [(String, String)], until deadline: ContinuousClock.Instant
    ) async -> SimklAnswer? {
        let outcome = await http.form(path, members, until: min(deadline, .now + SimklLimits.connectTimeout))
        if case .answered(let answer) = outcome { return answer } else { return nil }
    }

    /// Requests a code to enter at Simkl; nil if Simkl issues none now.
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

    /// The state of a code, and how long to wait before asking again. Simkl is asked no sooner than it allows.
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
            // Nobody who ended the flow meanwhile gets tokens, and only one caller does.
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
            // A code vanishes within its lifetime only if it was denied or somebody has redeemed it.
            return (.denied, nil)
        case .clientRefused:
            try await store.endFlow(flow, of: user, until: deadline)
            return (.refused, nil)
        }
    }

    /// Disconnects an account and withdraws its jobs. A first-generation (V1) token cannot be revoked: its person
    /// withdraws the application at Simkl, under Connected Apps.
    package func disconnect(
        _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        let ended = try await store.disconnect(lane(user), at: clock.now, until: deadline)
        if let access = ended.access {
            _ = await form("revoke", [("token", access.revealed)], until: min(deadline, .now + .seconds(5)))
        }
        return ended.wasConnected
    }

    /// Stores the tokens before they are used. If Simkl does not say whose account it is, the next sync asks.
    private func keep(
        _ tokens: AccountTokens, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await store.connect(lane(user), tokens, usesSecret: false, until: deadline)
        guard let account = await account(tokens.access, until: deadline) else { return }
        _ = try await store.confirm(lane(user), account, connectedAt: tokens.issuedAt, until: deadline)
    }

    /// Clients have always used POST; the newer reference says GET.
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
