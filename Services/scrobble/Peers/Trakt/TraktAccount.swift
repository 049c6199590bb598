package import Contracts
package import Cryptography
import JSON
import NIOHTTP1
package import Store

/// Connects and disconnects a person's Trakt account.
package struct TraktAccount: Sendable {
    private let store: ConnectionStore
    private let http: TraktHTTP
    private let clock: any WallClock
    private let ids: any IDSource

    package init(store: ConnectionStore, http: TraktHTTP, clock: any WallClock, ids: any IDSource) {
        self.store = store
        self.http = http
        self.clock = clock
        self.ids = ids
    }

    // MARK: Code

    /// Opens a code flow and returns where to send the browser.
    package func connect(
        _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> ConnectInvitation {
        let authorization = CodeAuthorization(state: RandomBytes.make(32), verifier: RandomBytes.make(32))
        try await store.openCodeFlow(lane(user), id: FlowID(ids.next()), authorization, until: deadline)
        let settings = http.settings
        return ConnectInvitation(
            authorizeUrl: authorization.url(
                at: settings.authURL, clientID: settings.clientID, redirectURI: settings.redirectURI),
            state: authorization.state.revealed, redirectUri: settings.redirectURI,
            expiresAt: clock.now.advanced(by: TraktLimits.flowLife))
    }

    /// Completes a code flow. The state is used up first, whatever happens to the code.
    package func complete(
        _ user: UserID, code: Secret, state: Secret, iss: String?, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> ConnectResult {
        let (isKnown, verifier) = try await store.takeFlow(lane(user), state: state, until: deadline)
        guard isKnown else { return .unknown }
        guard let verifier else { return .expired }
        guard CodeAuthorization.isIssuer(iss, of: http.settings.authURL) else { return .refused }
        let outcome = await http.authorize(
            "token",
            Self.body([
                ("grant_type", "authorization_code"), ("code", code.revealed),
                ("client_id", http.settings.clientID.revealed), ("redirect_uri", http.settings.redirectURI),
                ("code_verifier", verifier.revealed),
            ]), until: min(deadline, .now + TraktLimits.connectTimeout))
        switch TokenReply(outcome, now: clock.now) {
        case .granted(let tokens):
            try await keep(tokens, of: user, usesSecret: false, until: deadline)
            return .connected
        case .invalidGrant, .clientRefused: return .refused
        case .wait, .unknown: return .unreachable
        }
    }

    // MARK: Device

    /// Requests a code to enter elsewhere; nil if Trakt issues none now.
    package func startDevice(
        _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> DeviceInvitation? {
        let outcome = await http.authorize(
            "device/code", Self.body([("client_id", http.settings.clientID.revealed)]),
            until: min(deadline, .now + TraktLimits.connectTimeout))
        guard case .answered(let answer) = outcome, (200...299).contains(answer.status),
            let code = TraktDeviceCode(answer.body)
        else { return nil }
        let flow = FlowID(ids.next())
        try await store.openDeviceFlow(
            lane(user), id: flow, code: code.deviceCode, interval: code.interval, life: code.life, until: deadline)
        return DeviceInvitation(
            flow: flow, userCode: code.userCode, verificationUrl: code.verificationURL,
            intervalSeconds: Int(code.interval.components.seconds), expiresAt: clock.now.advanced(by: code.life))
    }

    /// The state of a device flow, and how long to wait before asking again.
    package func pollDevice(
        _ user: UserID, _ flow: FlowID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> (result: ConnectResult, retryAfter: Duration?) {
        let (code, interval): (Secret, Duration)
        switch try await store.pollFlow(lane(user), flow, until: deadline) {
        case .unknown: return (.unknown, nil)
        case .expired:
            try await store.endFlow(flow, of: user, until: deadline)
            return (.expired, nil)
        case .wait(let time): return (.pending, time)
        case .ask(let deviceCode, let pause): (code, interval) = (deviceCode, pause)
        }
        var members = [("code", code.revealed), ("client_id", http.settings.clientID.revealed)]
        if let secret = http.settings.clientSecret { members.append(("client_secret", secret.revealed)) }
        let outcome = await http.authorize(
            "device/token", Self.body(members), until: min(deadline, .now + TraktLimits.connectTimeout))
        guard case .answered(let answer) = outcome else { return (.pending, interval) }
        let result: ConnectResult
        switch DeviceReply(answer, now: clock.now) {
        case .granted(let tokens):
            // Nobody who ended the flow meanwhile gets tokens, and only one caller does.
            guard try await store.endFlow(flow, of: user, until: deadline) else { return (.unknown, nil) }
            try await keep(tokens, of: user, usesSecret: true, until: deadline)
            return (.connected, nil)
        case .pending, .unreachable: return (.pending, interval)
        case .slowDown(let time):
            try await store.slowFlow(flow, of: user, to: time, until: deadline)
            return (.pending, max(time ?? .zero, interval + .seconds(1)))
        case .unknownCode: result = .unknown
        case .used: result = .used
        case .expired: result = .expired
        case .denied: result = .denied
        case .clientRefused: result = .refused
        }
        try await store.endFlow(flow, of: user, until: deadline)
        return (result, nil)
    }

    // MARK: Ending

    /// Disconnects an account: its jobs are withdrawn, and Trakt is asked to revoke the token, on a best-effort basis.
    package func disconnect(
        _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        let ended = try await store.disconnect(lane(user), at: clock.now, until: deadline)
        if let access = ended.access { await revoke(access, until: deadline) }
        return ended.wasConnected
    }

    private func revoke(_ access: Secret, until deadline: ContinuousClock.Instant) async {
        var members = [("token", access.revealed), ("client_id", http.settings.clientID.revealed)]
        if let secret = http.settings.clientSecret { members.append(("client_secret", secret.revealed)) }
        _ = await http.authorize("revoke", Self.body(members), until: min(deadline, .now + .seconds(5)))
    }

    // MARK: Keeping

    private func lane(_ user: UserID) -> LaneKey { LaneKey(user: user, provider: .trakt) }

    /// Stores the tokens before they are used. If Trakt does not say whose account it is, the next sync asks.
    private func keep(
        _ tokens: AccountTokens, of user: UserID, usesSecret: Bool, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await store.connect(lane(user), tokens, usesSecret: usesSecret, until: deadline)
        guard let account = await account(tokens.access, until: deadline) else { return }
        _ = try await store.confirm(lane(user), account, connectedAt: tokens.issuedAt, until: deadline)
    }

    private func account(_ token: Secret, until deadline: ContinuousClock.Instant) async -> RemoteAccount? {
        let outcome = await http.call(
            .GET, "users/settings", token: token, until: min(deadline, .now + TraktLimits.connectTimeout))
        guard case .answered(let answer) = outcome, answer.status == 200 else { return nil }
        return TraktRows.account(answer.body)
    }

    private static func body(_ members: [(String, String)]) -> [UInt8] {
        encodeJSON(JSONValue.object(JSONObject(members.map { ($0, .string($1)) })))
    }
}
