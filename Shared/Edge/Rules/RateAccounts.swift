/// What one gateway knows of all subjects, of which it remembers a limited number. Each operation takes constant time,
/// however many there are: they are ordered by when they got their shares, so that idle ones come first. `Waiter` waits
/// for the answer to another request's call. Knows no clock.
struct RateAccounts<Waiter: Sendable>: Sendable {
    private struct Entry: Sendable {
        var account: RateAccount
        var waiting: [Waiter] = []
    }

    private let subjectsMax: Int
    private let looksMax: Int
    private var entries = RecencyTable<RateSubject, Entry>()

    init(subjectsMax: Int, looksMax: Int) {
        self.subjectsMax = subjectsMax
        self.looksMax = looksMax
    }

    var count: Int { entries.count }

    /// Returns what to do with a request of `subject`.
    mutating func step(
        of subject: RateSubject, allowed: Int, at now: ContinuousClock.Instant
    ) -> RateAccount.Step {
        if let step = entries.update(subject, { $0.account.next(at: now, allowed: allowed) }) { return step }
        if entries.count >= subjectsMax { makeRoom(at: now) }
        var account = RateAccount(at: now)
        let step = account.next(at: now, allowed: allowed)
        entries.insert(Entry(account: account), for: subject)
        return step
    }

    /// Takes back an admission of `subject` that counted towards a share of `slot`.
    mutating func giveBack(_ subject: RateSubject, slot: Int64, now: ContinuousClock.Instant) {
        _ = entries.update(subject) { $0.account.giveBack(slot: slot, now: now) }
    }

    /// Makes `waiter` wait for the answer to the request that is asking for `subject`; returns false if none is.
    mutating func wait(_ waiter: Waiter, for subject: RateSubject) -> Bool {
        entries.update(subject) { entry in
            guard entry.account.isWaitedFor else { return false }
            entry.waiting.append(waiter)
            return true
        } ?? false
    }

    /// Takes the share that was requested at `begun`, nil if the shared count was unavailable; returns those who waited
    /// for it.
    mutating func settle(
        _ subject: RateSubject, _ share: RateShare?, allowed: Int, askedAt begun: ContinuousClock.Instant,
        now: ContinuousClock.Instant
    ) -> [Waiter] {
        let waiting = entries.update(subject) { entry in
            if let share {
                entry.account.take(share, askedAt: begun, now: now)
            } else {
                entry.account.goAlone(at: now, allowed: allowed)
            }
            defer { entry.waiting = [] }
            return entry.waiting
        }
        entries.renew(subject)
        return waiting ?? []
    }

    /// Forgets subjects that lose nothing. In a flood of busy subjects it forgets those with the oldest shares: one
    /// that returns is unknown, and asks once more.
    private mutating func makeRoom(at now: ContinuousClock.Instant) {
        let oldest = entries.oldest(looksMax)
        for entry in oldest where entry.value.account.isIdle(at: now) { entries.remove(entry.key) }
        for isAskedFor in [false, true] {
            for entry in oldest where entries.count >= subjectsMax {
                let isVictim = entry.value.waiting.isEmpty && entry.value.account.isWaitedFor == isAskedFor
                if isVictim { entries.remove(entry.key) }
            }
        }
        // Subjects with waiters cannot be forgotten, and must not stay in front of those that can.
        for entry in oldest where !entry.value.waiting.isEmpty { entries.renew(entry.key) }
    }
}
