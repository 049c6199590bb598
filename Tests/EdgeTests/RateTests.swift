import Contracts
import Edge
import RPC
import Synchronization
import Testing

/// Limits on how often a caller may make requests.
@Suite struct RateTests {
    private static let person = RateSubject.person(UserID(UUIDBits(high: 1, low: 1)))

    @Test("A share is used up, asked for again at twice the size, and what is left of one goes back")
    func shares() {
        let start = ContinuousClock.now
        var account = RateAccount(at: start)
        let first = RateAsk(wanted: 10, allowed: 1_000, unused: 0, unusedSlot: 0)
        #expect(account.next(at: start, allowed: 1_000) == .ask(first))
        #expect(account.next(at: start, allowed: 1_000) == .wait)
        account.take(RateShare(granted: 10, remaining: 990, waitSeconds: 0, slot: 7), askedAt: start, now: start)
        for left in (0..<10).reversed() {
            #expect(account.next(at: start, allowed: 1_000) == .admit(remaining: left + 990, slot: 7))
        }
        let second = RateAsk(wanted: 20, allowed: 1_000, unused: 0, unusedSlot: 7)
        #expect(account.next(at: start, allowed: 1_000) == .ask(second))
        account.take(RateShare(granted: 20, remaining: 970, waitSeconds: 0, slot: 7), askedAt: start, now: start)
        #expect(account.next(at: start, allowed: 1_000) == .admit(remaining: 989, slot: 7))
        // Five seconds later it has expired, and the rest of it is given back.
        let later = start.advanced(by: .seconds(5))
        let third = RateAsk(wanted: 10, allowed: 1_000, unused: 19, unusedSlot: 7)
        #expect(account.next(at: later, allowed: 1_000) == .ask(third))
    }

    @Test("A refusal is believed for a second and tells how long to wait")
    func refusals() {
        let start = ContinuousClock.now
        var account = RateAccount(at: start)
        _ = account.next(at: start, allowed: 100)
        account.take(RateShare(granted: 0, remaining: 0, waitSeconds: 40, slot: 7), askedAt: start, now: start)
        #expect(account.next(at: start, allowed: 100) == .refuse(waitSeconds: 40))
        #expect(account.next(at: start.advanced(by: .milliseconds(999)), allowed: 100) == .refuse(waitSeconds: 40))
        guard case .ask = account.next(at: start.advanced(by: .seconds(1)), allowed: 100) else {
            return #expect(Bool(false), "nobody asks again")
        }
    }

    /// What all gateways together have granted, as Postgres keeps it; a slot never ends here.
    private final class Bank: Sendable {
        struct Away: Error {}
        private let state = Mutex((given: 0, questions: 0))
        let isAway: Bool

        init(isAway: Bool = false) { self.isAway = isAway }

        var given: Int { state.withLock { $0.given } }
        var questions: Int { state.withLock { $0.questions } }

        func lend(_ ask: RateAsk) async throws(RPCError) -> RateShare {
            await Task.yield()
            if isAway { throw .unavailable("nobody is there") }
            return state.withLock { state in
                state.questions += 1
                let granted = min(ask.wanted, max(0, ask.allowed - state.given))
                state.given += granted
                return RateShare(
                    granted: granted, remaining: ask.allowed - state.given, waitSeconds: granted == 0 ? 9 : 0, slot: 1)
            }
        }
    }

    private static func limiter(_ bank: Bank, person: Int) -> RateLimiter {
        RateLimiter(policy: RatePolicy(person: person, key: 0, address: 0)) { (_, ask, _) async throws(RPCError) in
            try await bank.lend(ask)
        }
    }

    /// Returns how many of `count` simultaneous requests at each of `limiters` were admitted.
    private static func flood(_ limiters: [RateLimiter], _ count: Int) async -> Int {
        await withTaskGroup(of: Bool.self) { group in
            for number in 0..<count * limiters.count {
                group.addTask { await limiters[number % limiters.count].admit(person)?.isAdmitted == true }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
    }

    @Test("Three gateways together admit what one may, with few questions, whoever is asked")
    func together() async {
        let bank = Bank()
        let limiters = (0..<3).map { _ in Self.limiter(bank, person: 600) }
        let admitted = await Self.flood(limiters, 1_000)
        #expect(admitted == 600 && bank.given == 600)
        #expect(bank.questions < 60, "\(bank.questions) questions for 3,000 requests")
        let verdict = await limiters[0].admit(Self.person)
        #expect(verdict?.isAdmitted == false && (1...9).contains(verdict?.waitSeconds ?? 0))
        #expect(
            verdict?.fields.map(\.value) == [#""person";q=600;w=70"#, #""person";r=0;t=\#(verdict?.waitSeconds ?? 0)"#])
    }

    @Test("With nobody to ask each gateway counts for itself")
    func alone() async {
        let limiters = (0..<2).map { _ in Self.limiter(Bank(isAway: true), person: 140) }
        let admitted = await Self.flood(limiters, 15)
        // At least one slot's worth each; the flood may outlast a slot.
        #expect(admitted >= 20)
        #expect(await limiters[0].admit(.key(UUIDBits(high: 1, low: 1))) == nil, "keys have no limit here")
    }
}
