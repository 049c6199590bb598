internal import RPC
internal import Synchronization

/// Whether a request is admitted, and what its sender is told about the limit.
package struct RateVerdict: Sendable {
    package let isAdmitted: Bool
    /// `RateLimit-Policy` and `RateLimit`.
    package let fields: [(name: String, value: String)]
    /// Seconds until it may be tried again; 0 if it was admitted.
    package let waitSeconds: Int
    /// The slot of the share that an admitted request counts towards.
    let slot: Int64
}

/// Applies rate limits to people, keys and networks, together with the other copies of the gateway but without a call
/// for each request.
package final class RateLimiter: Sendable {
    /// Subjects that are remembered; beyond that, those that lose nothing are forgotten first.
    package static let subjectsMax = 20_000
    /// Subjects that are checked to make room for one more.
    static let looksMax = 8

    /// The texts of a limit in header fields, made once for each `limitName`.
    private struct Texts: Sendable {
        let policy: String
        /// The text before the number of remaining requests; with a person's, the result is short enough to need no
        /// allocation.
        let remaining: String

        init(_ name: String, allowed: Int) {
            policy = "\"\(name)\";q=\(allowed);w=\(RatePolicy.windowSeconds)"
            remaining = "\"\(name)\";r="
        }
    }

    private let policy: RatePolicy
    private let personTexts: Texts
    private let keyTexts: Texts
    private let addressTexts: Texts
    private let patience: Duration
    private let lend: RateLender
    private let accounts = Mutex(
        RateAccounts<CheckedContinuation<Void, Never>>(
            subjectsMax: RateLimiter.subjectsMax, looksMax: RateLimiter.looksMax))

    package init(policy: RatePolicy, patience: Duration = EdgeLimits().shareTimeout, lend: @escaping RateLender) {
        self.policy = policy
        personTexts = Texts("person", allowed: policy.person)
        keyTexts = Texts("key", allowed: policy.key)
        addressTexts = Texts("address", allowed: policy.address)
        self.patience = patience
        self.lend = lend
    }

    /// Counts a request of `subject`; returns nil if it has no limit.
    package func admit(_ subject: RateSubject) async -> RateVerdict? {
        let allowed = policy.allowed(subject)
        guard allowed > 0 else { return nil }
        while true {
            let begun = ContinuousClock.now
            switch step(of: subject, allowed, begun) {
            case .admit(let remaining, let slot):
                return verdict(subject, remaining: remaining, waitSeconds: 0, slot: slot)
            case .refuse(let wait): return verdict(subject, remaining: 0, waitSeconds: wait, slot: 0)
            case .wait: await turn(of: subject)
            case .ask(let ask):
                var share: RateShare?
                do throws(RPCError) {
                    share = try await lend(subject, ask, begun.advanced(by: patience))
                } catch {
                    share = nil
                }
                settle(subject, share, allowed, begun)
            }
        }
    }

    /// Reverts an admission: the request turned out to be another subject's.
    func giveBack(_ verdict: RateVerdict, of subject: RateSubject) {
        accounts.withLock { $0.giveBack(subject, slot: verdict.slot, now: .now) }
    }

    private func step(of subject: RateSubject, _ allowed: Int, _ now: ContinuousClock.Instant) -> RateAccount.Step {
        accounts.withLock { $0.step(of: subject, allowed: allowed, at: now) }
    }

    /// Waits until the request that is asking has an answer.
    private func turn(of subject: RateSubject) async {
        await withCheckedContinuation { continuation in
            // The answer may have arrived between the two checks.
            let isWaiting = accounts.withLock { $0.wait(continuation, for: subject) }
            if !isWaiting { continuation.resume() }
        }
    }

    private func settle(
        _ subject: RateSubject, _ share: RateShare?, _ allowed: Int, _ begun: ContinuousClock.Instant
    ) {
        let waiting = accounts.withLock { accounts in
            accounts.settle(subject, share, allowed: allowed, askedAt: begun, now: .now)
        }
        for continuation in waiting { continuation.resume() }
    }

    private func verdict(
        _ subject: RateSubject, remaining: Int, waitSeconds: Int, slot: Int64
    ) -> RateVerdict {
        let texts =
            switch subject {
            case .person: personTexts
            case .key: keyTexts
            case .address: addressTexts
            }
        let rest = texts.remaining + String(max(0, remaining))
        return RateVerdict(
            isAdmitted: waitSeconds == 0,
            fields: [
                ("ratelimit-policy", texts.policy), ("ratelimit", waitSeconds > 0 ? "\(rest);t=\(waitSeconds)" : rest),
            ], waitSeconds: waitSeconds, slot: slot)
    }
}
