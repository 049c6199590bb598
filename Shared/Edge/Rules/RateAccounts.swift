/// What one gateway knows of everybody, of whom it remembers only so many. Each question takes the same work, however many they
/// are: they stand in the order in which they got their shares, so that whoever is idle stands first. `Waiter` is who waits for
/// somebody else's question to be answered. Knows no clock.
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

    /// What is to be done with a request of `subject`.
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

    /// Takes back an admission of `subject` that counted for a share of `slot`.
    mutating func giveBack(_ subject: RateSubject, slot: Int64, now: ContinuousClock.Instant) {
        _ = entries.update(subject) { $0.account.giveBack(slot: slot, now: now) }
    }

    /// Has `waiter` wait until whoever asks for `subject` has an answer; false where nobody asks.
    mutating func wait(_ waiter: Waiter, for subject: RateSubject) -> Bool {
        entries.update(subject) { entry in
            guard entry.account.isWaitedFor else { return false }
            entry.waiting.append(waiter)
            return true
        } ?? false
    }

    /// Takes what was asked for at `begun`, nil where nobody could be asked; who waited for that.
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

    /// Those go that lose nothing by it. In a flood of subjects that are all busy it is whose share is the oldest: whoever comes
    /// again is not remembered, and asks once more.
    private mutating func makeRoom(at now: ContinuousClock.Instant) {
        let oldest = entries.oldest(looksMax)
        for entry in oldest where entry.value.account.isIdle(at: now) { entries.remove(entry.key) }
        for isAskedFor in [false, true] {
            for entry in oldest where entries.count >= subjectsMax {
                let isVictim = entry.value.waiting.isEmpty && entry.value.account.isWaitedFor == isAskedFor
                if isVictim { entries.remove(entry.key) }
            }
        }
        // Who is waited for cannot go, and must not stand before those who can.
        for entry in oldest where !entry.value.waiting.isEmpty { entries.renew(entry.key) }
    }
}
