internal import Contracts
internal import Cryptography
internal import Synchronization

/// What tokens stand for, believed for a moment so that a page that asks ten things costs one look-up.
package final class CallerCache: Sendable {
    private struct Entry {
        let caller: EdgeCaller
        let until: ContinuousClock.Instant
    }

    /// Digests of tokens that were somebody's; the earlier ones go when there are as many new ones.
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

    /// Whether the token was somebody's when it was looked up last, or learnt. This lets nobody in: it says whose look-up does
    /// not have to wait until their network behaves.
    func wasGood(_ digest: SHA256Digest) -> Bool { good.withLock { $0.contains(digest) } }

    /// Takes tokens that are somebody's, shown here or not yet.
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

    /// The token is nobody's any more.
    func forget(_ digest: SHA256Digest) {
        good.withLock { good in
            good.latest.remove(digest)
            good.earlier.remove(digest)
        }
    }

    /// Here at once, elsewhere within the time of trust.
    func forget(where isGone: (EdgeCaller) -> Bool) {
        entries.withLock { entries in entries = entries.filter { !isGone($0.value.caller) } }
    }
}

/// When sessions and keys were used last, collected in memory and written down now and then.
package final class LastUses: Sendable {
    struct Collected: Sendable {
        var sessions: [UUIDBits: Timestamp] = [:]
        var keys: [UUIDBits: Timestamp] = [:]
    }

    private let limits: GatewayLimits
    private let collected = Mutex(Collected())

    init(limits: GatewayLimits) { self.limits = limits }

    /// Beyond the limit the newest are not noted: the next use is.
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

    /// What was collected since the last time.
    func take() -> Collected {
        collected.withLock { collected in
            defer { collected = Collected() }
            return collected
        }
    }
}
