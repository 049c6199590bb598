import Contracts
package import Cryptography
package import Store

/// What is available to make a connection's calls with.
package enum TokenState: Sendable, Equatable {
    case good(Secret)
    /// Not available now, through nobody's fault.
    case wait(Duration, String)
    case none(ConnectionTrouble)
}

/// The outcome of a refresh.
package enum TokenRefresh: String, Sendable, Hashable, CaseIterable {
    case renewed
    /// By the time of the answer somebody else held the lease or the person had connected again, or it could not be
    /// stored.
    case lost
    /// The person must connect again.
    case refused
    /// The application was not accepted.
    case turnedAway = "turned_away"
    /// No answer, or not now.
    case putOff = "put_off"
}

/// A source of connections' access tokens.
package protocol TokenSource: Sendable {
    func token(of lane: LaneKey) async -> TokenState
    /// Returns another token than `refused`, which the provider no longer accepts.
    func renewed(of lane: LaneKey, instead refused: Secret) async -> TokenState
}

/// Issues new tokens for a refresh token.
package protocol TokenIssuer: Sendable {
    func tokens(for refresh: Secret, usesSecret: Bool) async -> TokenReply
}

/// Keeps tokens fresh: refreshes at half of their lifetime, one replica at a time, with no transaction open during the
/// call. A new pair is committed before it is used. Trakt's refresh token is valid once, so a replica that dies between
/// the answer and the commit leaves a connection whose person must connect again, and nothing worse; Simkl's stays
/// valid.
package struct TokenKeeper: TokenSource {
    /// The points at which a test kills it.
    package enum Point: Sendable {
        case leased
        case answered
        case committed
    }

    private let store: ConnectionStore
    private let issuer: any TokenIssuer
    private let clock: any WallClock
    private let observe: @Sendable (Point) -> Void
    private let tell: @Sendable (TokenRefresh) -> Void

    package init(
        store: ConnectionStore, issuer: any TokenIssuer, clock: any WallClock,
        observe: @escaping @Sendable (Point) -> Void = { _ in },
        tell: @escaping @Sendable (TokenRefresh) -> Void = { _ in }
    ) {
        self.store = store
        self.issuer = issuer
        self.clock = clock
        self.observe = observe
        self.tell = tell
    }

    package func token(of lane: LaneKey) async -> TokenState {
        let patience = ContinuousClock.now + TraktLimits.refreshPatience
        while true {
            guard let tokens = await load(lane) else { return .wait(.seconds(5), "the tokens cannot be read") }
            guard let tokens else { return .none(.needsReauth) }
            guard let issuedAt = tokens.issuedAt, let expiresAt = tokens.expiresAt else { return .good(tokens.access) }
            let now = clock.now
            // Without a refresh token it is valid until it expires.
            if tokens.refresh == nil { return now < expiresAt ? .good(tokens.access) : .none(.needsReauth) }
            if now < TokenLife.refreshAt(issuedAt: issuedAt, expiresAt: expiresAt) { return .good(tokens.access) }
            if !tokens.isHeld, let state = await refresh(lane, tokens) { return state }
            // Somebody else is refreshing, or it must wait; the old token is valid for the second half of its life.
            if now < expiresAt { return .good(tokens.access) }
            if ContinuousClock.now >= patience { return .wait(.seconds(60), "the tokens are being refreshed") }
            do { try await Task.sleep(for: .milliseconds(100)) } catch { return .wait(.zero, "stopping") }
        }
    }

    package func renewed(of lane: LaneKey, instead refused: Secret) async -> TokenState {
        guard let tokens = await load(lane) else { return .wait(.seconds(5), "the tokens cannot be read") }
        guard let tokens else { return .none(.needsReauth) }
        // Somebody has renewed it meanwhile.
        if tokens.access != refused { return .good(tokens.access) }
        if tokens.isHeld { return .wait(.seconds(5), "the tokens are being refreshed") }
        return await refresh(lane, tokens) ?? .wait(.seconds(5), "the tokens are being refreshed")
    }

    /// Nil while the database does not answer.
    private func load(_ lane: LaneKey) async -> ConnectionStore.Tokens?? {
        try? await store.tokens(of: lane, until: .now + .seconds(5))
    }

    /// Refreshes unless somebody else does; nil if somebody does, and the tokens must be read again.
    private func refresh(_ lane: LaneKey, _ tokens: ConnectionStore.Tokens) async -> TokenState? {
        guard let refresh = tokens.refresh else { return .none(.needsReauth) }
        let fence: Int64
        do {
            guard let leased = try await store.beginRefresh(lane, of: tokens, until: .now + .seconds(5)) else {
                return tokens.state == .needsReauth ? .none(.needsReauth) : nil
            }
            fence = leased
        } catch {
            return .wait(.seconds(5), "the tokens cannot be read")
        }
        observe(.leased)
        let reply = await issuer.tokens(for: refresh, usesSecret: tokens.usesSecret)
        observe(.answered)
        switch reply {
        case .granted(let fresh):
            let isStored = await keep { try await store.endRefresh(lane, fence: fence, with: fresh, until: $0) }
            observe(.committed)
            tell(isStored == true ? .renewed : .lost)
            // Not used before it is stored: a caller that lost the lease reads what the new holder has stored.
            return isStored == true ? .good(fresh.access) : nil
        case .invalidGrant:
            let isNoted = await keep { deadline in
                try await store.failRefresh(
                    lane, fence: fence, retryAfter: .zero, state: .needsReauth, until: deadline)
            }
            tell(isNoted == false ? .lost : .refused)
            // The person has connected again meanwhile, and the refusal says nothing about the new tokens.
            return isNoted == false ? nil : .none(.needsReauth)
        case .clientRefused:
            tell(.turnedAway)
            await putOff(lane, fence, .seconds(3_600), state: .apiKeyRejected)
            return .none(.apiKeyRejected)
        case .wait(let time):
            tell(.putOff)
            await putOff(lane, fence, time, state: nil)
            return usable(tokens, after: time)
        case .unknown:
            tell(.putOff)
            let time = TokenLife.wait(afterTries: tokens.tries + 1)
            await putOff(lane, fence, time, state: nil)
            return usable(tokens, after: time)
        }
    }

    /// Returns the old token while it is valid.
    private func usable(_ tokens: ConnectionStore.Tokens, after time: Duration) -> TokenState {
        if let expiresAt = tokens.expiresAt, clock.now < expiresAt { return .good(tokens.access) }
        return .wait(time, "the tokens cannot be refreshed now")
    }

    private func putOff(_ lane: LaneKey, _ fence: Int64, _ time: Duration, state: ConnectionState?) async {
        _ = await keep { deadline in
            try await store.failRefresh(lane, fence: fence, retryAfter: time, state: state, until: deadline)
        }
    }

    /// Keeps a provider's answer while the database hesitates, for as long as the lease lasts.
    private func keep(_ write: (ContinuousClock.Instant) async throws -> Bool) async -> Bool? {
        let end = ContinuousClock.now + TraktLimits.refreshLease - TraktLimits.refreshTimeout
        repeat {
            if let outcome = try? await write(.now + .seconds(5)) { return outcome }
            do { try await Task.sleep(for: .milliseconds(200)) } catch { return nil }
        } while ContinuousClock.now < end
        return nil
    }
}
