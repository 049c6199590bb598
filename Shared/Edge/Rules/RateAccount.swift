package import Contracts

/// Whose requests are counted together: a person's with all their sessions, each API key's separately, and those
/// without credentials by network.
package enum RateSubject: Sendable, Hashable {
    case person(UserID)
    case key(UUIDBits)
    case address([UInt8])

    /// The name of the limit in header fields.
    package var limitName: String {
        switch self {
        case .person: "person"
        case .key: "key"
        case .address: "address"
        }
    }
}

/// How many requests each kind of subject may make in a window; 0 for no limit.
package struct RatePolicy: Sendable, Hashable {
    /// Seconds of a slot, the longest that a share is valid.
    package static let slotSeconds = 5
    /// Slots that are counted. Shares used within any one minute lie in this many, since a share may be used until one
    /// slot after it was taken.
    package static let slots = 14
    /// Seconds of the window.
    package static let windowSeconds = slotSeconds * slots

    package var person: Int
    package var key: Int
    package var address: Int

    package init(person: Int, key: Int, address: Int) {
        self.person = person
        self.key = key
        self.address = address
    }

    package func allowed(_ subject: RateSubject) -> Int {
        switch subject {
        case .person: person
        case .key: key
        case .address: address
        }
    }
}

/// What a gateway requests from the shared count for one subject: a share of the window, while it returns the unused
/// part of the last one.
package struct RateAsk: Sendable, Hashable {
    package let wanted: Int
    package let allowed: Int
    package let unused: Int
    package let unusedSlot: Int64

    package init(wanted: Int, allowed: Int, unused: Int, unusedSlot: Int64) {
        self.wanted = wanted
        self.allowed = allowed
        self.unused = unused
        self.unusedSlot = unusedSlot
    }
}

/// The share that it gets.
package struct RateShare: Sendable, Hashable {
    package let granted: Int
    /// What is left for all gateways after that.
    package let remaining: Int
    /// If nothing was granted, the time until something is.
    package let waitSeconds: Int
    /// The slot that the share was taken from.
    package let slot: Int64

    package init(granted: Int, remaining: Int, waitSeconds: Int, slot: Int64) {
        self.granted = granted
        self.remaining = remaining
        self.waitSeconds = waitSeconds
        self.slot = slot
    }
}

/// What one gateway knows of one subject. Knows no clock: callers pass the time.
package struct RateAccount: Sendable {
    /// What to do with a request.
    package enum Step: Sendable, Hashable {
        /// `slot` is that of the share that the request counts towards.
        case admit(remaining: Int, slot: Int64)
        case refuse(waitSeconds: Int)
        /// This request asks for a share, and then tries again.
        case ask(RateAsk)
        /// Another request is asking.
        case wait
    }

    /// The first share is a hundredth of the limit. Each share used up before its time makes the next twice as large,
    /// up to a tenth: a busy person causes few calls, and a quiet one withholds little from the other gateways.
    private static let firstPart = 100
    private static let largestPart = 10
    /// How long a refusal holds; another gateway may return its unused part.
    private static let refusalTrust = Duration.seconds(1)

    private var left = 0
    private var granted = 0
    private var slot: Int64 = 0
    private var remaining = 0
    private var shareEnds: ContinuousClock.Instant
    private var refusedUntil: ContinuousClock.Instant
    private var waitEnds: ContinuousClock.Instant
    private var isAsking = false

    package init(at now: ContinuousClock.Instant) {
        (shareEnds, refusedUntil, waitEnds) = (now, now, now)
    }

    /// Returns whether nothing but an unused rest would be lost.
    package func isIdle(at now: ContinuousClock.Instant) -> Bool {
        !isAsking && shareEnds <= now && refusedUntil <= now
    }

    /// Whether a request is asking for a share.
    package var isWaitedFor: Bool { isAsking }

    package mutating func next(at now: ContinuousClock.Instant, allowed: Int) -> Step {
        if now < refusedUntil { return .refuse(waitSeconds: Self.seconds(from: now, to: waitEnds)) }
        if left > 0, now < shareEnds {
            left -= 1
            return .admit(remaining: left + remaining, slot: slot)
        }
        if isAsking { return .wait }
        isAsking = true
        let first = max(1, allowed / Self.firstPart)
        // A share that expired with a rest was too large.
        let wanted = left > 0 ? first : min(max(first, granted * 2), max(first, allowed / Self.largestPart))
        // What is added from here on was given back meanwhile.
        defer { left = 0 }
        return .ask(RateAsk(wanted: wanted, allowed: allowed, unused: left, unusedSlot: slot))
    }

    /// Takes back an admission that counted towards a share of `slot`. A later share of the same slot takes it too,
    /// since it counts equally in the window; one of another slot does not.
    package mutating func giveBack(slot: Int64, now: ContinuousClock.Instant) {
        if slot == self.slot, now < shareEnds { left += 1 }
    }

    /// Takes the share that was requested at `begun`.
    package mutating func take(_ share: RateShare, askedAt begun: ContinuousClock.Instant, now: ContinuousClock.Instant)
    {
        isAsking = false
        let back = share.slot == slot ? left : 0
        (left, granted, remaining, slot) = (share.granted + back, share.granted, share.remaining, share.slot)
        shareEnds = begun.advanced(by: .seconds(RatePolicy.slotSeconds))
        guard share.granted == 0 else { return }
        refusedUntil = now.advanced(by: Self.refusalTrust)
        waitEnds = now.advanced(by: .seconds(share.waitSeconds))
    }

    /// Continues without a share, as the shared count was unavailable. Each gateway then counts for itself, slot by
    /// slot: a database outage costs accuracy, not the service.
    package mutating func goAlone(at now: ContinuousClock.Instant, allowed: Int) {
        isAsking = false
        (left, granted, remaining, slot) = (max(1, allowed / RatePolicy.slots), 0, 0, 0)
        shareEnds = now.advanced(by: .seconds(RatePolicy.slotSeconds))
    }

    private static func seconds(from now: ContinuousClock.Instant, to end: ContinuousClock.Instant) -> Int {
        max(1, Int((now.duration(to: end) / .seconds(1)).rounded(.up)))
    }
}
