internal import Contracts
internal import Cryptography
internal import Synchronization

/// The callers that tokens stand for, trusted briefly so that a page with ten requests costs one look-up.
package final class CallerCache: Sendable {
    private struct Entry {
        let caller: EdgeCaller
        let until: ContinuousClock.Instant
    }

    /// Digests of tokens that were valid; the earlier ones are dropped once there are as many newer ones.
    private struct GoodTokens {
        var earlier: Set<SHA256Digest> = []
        var latest: Set<SHA256Digest> = []

        func contains(_ digest: SHA256Digest) -> Bool { latest.contains(digest) || earlier.contains(digest) }

        mutating func insert(_ digest: SHA256Digest, max: Int) {
            latest.insert(digest)
            if latest.count >= max / 2 { self = GoodTokens(earlier: latest) }
        }
    }

    private let limits: GatewayLimits
    private let entries = Mutex<[SHA256Digest: Entry]>([:])
    private let good = Mutex(GoodTokens())

    init(limits: GatewayLimits) { self.limits = limits }

    /// Whether the token was valid when it was last looked up or learnt. This admits nobody: it only spares the look-up
    /// the wait while its network exceeds the limit.
    func wasGood(_ digest: SHA256Digest) -> Bool { good.withLock { $0.contains(digest) } }

    /// Notes valid tokens, whether presented here yet or not.
    func learn(_ digests: [SHA256Digest]) {
        good.withLock { good in
            for digest in digests where !good.contains(digest) { good.insert(digest, max: limits.goodTokensMax) }
        }
    }

    func caller(of digest: SHA256Digest, now: ContinuousClock.Instant = .now) -> EdgeCaller? {
        entries.withLock { $0[digest] }.flatMap { $0.until > now ? $0.caller : nil }
    }

    func remember(_ caller: EdgeCaller, for digest: SHA256Digest, now: ContinuousClock.Instant = .now) {
        entries.withLock { entries in
            if entries.count >= limits.callersMax { entries = entries.filter { $0.value.until > now } }
            if entries.count >= limits.callersMax { entries.removeAll() }
            entries[digest] = Entry(caller: caller, until: now.advanced(by: limits.callerTrustTime))
        }
        good.withLock { $0.insert(digest, max: limits.goodTokensMax) }
    }

    /// Forgets a token that is not valid any more.
    func forget(_ digest: SHA256Digest) {
        good.withLock { good in
            good.latest.remove(digest)
            good.earlier.remove(digest)
        }
    }

    /// Takes effect here at once, at other copies within `callerTrustTime`.
    func forget(where isGone: (EdgeCaller) -> Bool) {
        entries.withLock { entries in entries = entries.filter { !isGone($0.value.caller) } }
    }
}

/// When sessions and keys were last used, collected in memory and written periodically.
package final class LastUses: Sendable {
    struct Collected: Sendable {
        var sessions: [UUIDBits: Timestamp] = [:]
        var keys: [UUIDBits: Timestamp] = [:]
    }

    private let limits: GatewayLimits
    private let collected = Mutex(Collected())

    init(limits: GatewayLimits) { self.limits = limits }

    /// Notes a use. Beyond the limit new credentials are not noted until their next use.
    func note(_ credential: UUIDBits, isKey: Bool, at moment: Timestamp) {
        collected.withLock { collected in
            if isKey {
                if collected.keys.count < limits.usesMax || collected.keys[credential] != nil {
                    collected.keys[credential] = moment
                }
            } else if collected.sessions.count < limits.usesMax || collected.sessions[credential] != nil {
                collected.sessions[credential] = moment
            }
        }
    }

    /// Returns what was collected since the last call.
    func take() -> Collected {
        collected.withLock { collected in
            defer { collected = Collected() }
            return collected
        }
    }
}
