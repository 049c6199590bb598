import Contracts
import RPC
import TestSupport
import Testing

@testable import Edge

/// Whom a limiter remembers when there are more callers than it can hold.
@Suite struct RateAccountsTests {
    private typealias Accounts = RateAccounts<Int>

    private static let start = ContinuousClock.now
    private static let allowed = 100

    private static func address(_ number: Int) -> RateSubject { .address([UInt8(number >> 8), UInt8(number & 0xff)]) }

    private static func second(_ number: Int) -> ContinuousClock.Instant { start.advanced(by: .seconds(number)) }

    /// Makes a request from a caller that is either new, and gets a share of ten, or remembered.
    private static func expect(
        _ number: Int, isNew: Bool, in accounts: inout Accounts, at now: ContinuousClock.Instant
    ) {
        let step = accounts.step(of: address(number), allowed: allowed, at: now)
        guard case .ask = step else {
            #expect(!isNew, "\(number) is remembered")
            return
        }
        #expect(isNew, "\(number) is not remembered")
        let share = RateShare(granted: 10, remaining: 90, waitSeconds: 0, slot: 1)
        _ = accounts.settle(address(number), share, allowed: allowed, askedAt: now, now: now)
    }

    @Test("Whoever is idle goes first, whoever has had a share the longest goes next, and nobody is looked at twice")
    func order() {
        var accounts = Accounts(subjectsMax: 4, looksMax: 8)
        for number in 0..<4 { Self.expect(number, isNew: true, in: &accounts, at: Self.second(number)) }
        // The first caller's share has ended; a fifth takes its place, and the others keep theirs.
        Self.expect(4, isNew: true, in: &accounts, at: Self.second(5))
        #expect(accounts.count == 4)
        for number in 1..<5 {
            Self.expect(number, isNew: false, in: &accounts, at: Self.second(5))
        }
        // Nobody is idle: the oldest share is evicted.
        Self.expect(5, isNew: true, in: &accounts, at: Self.second(5))
        #expect(accounts.count == 4)
        for number in 2..<6 { Self.expect(number, isNew: false, in: &accounts, at: Self.second(5)) }
        // Everybody is idle: as many are evicted as are looked at.
        Self.expect(6, isNew: true, in: &accounts, at: Self.second(60))
        #expect(accounts.count == 1)
    }

    @Test("Who is waited for stays, and is in nobody's way")
    func waited() {
        var accounts = Accounts(subjectsMax: 4, looksMax: 2)
        for number in 0..<4 {
            guard case .ask = accounts.step(of: Self.address(number), allowed: Self.allowed, at: Self.start) else {
                return #expect(Bool(false), "nobody asks")
            }
        }
        let waits = [0, 1, 2, 9].map { accounts.wait($0, for: Self.address($0)) }
        #expect(waits == [true, true, true, false], "nobody asks for the last one")
        // Of the two that are looked at, none may be evicted, then one, then none; the excess never exceeds the number
        // that are waited for.
        for (number, count) in [(4, 5), (5, 5), (6, 6)] {
            Self.expect(number, isNew: true, in: &accounts, at: Self.start)
            #expect(accounts.count == count)
        }
        for number in 0..<3 {
            let waiting = accounts.settle(
                Self.address(number), nil, allowed: Self.allowed, askedAt: Self.start, now: Self.start)
            #expect(waiting == [number], "\(number) was forgotten with who waits for it")
        }
        Self.expect(7, isNew: true, in: &accounts, at: Self.start)
        Self.expect(8, isNew: true, in: &accounts, at: Self.start)
        #expect(accounts.count <= 4)
    }

    @Test(
        "Among no more than are remembered everybody is told what an account of their own would tell",
        arguments: [UInt64](0..<20))
    func accounts(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var accounts = Accounts(subjectsMax: 8, looksMax: 8)
        var own: [RateSubject: RateAccount] = [:]
        var asked: [RateSubject: ContinuousClock.Instant] = [:]
        var now = Self.start
        for _ in 0..<2_000 {
            now = now.advanced(by: .milliseconds(Int.random(in: 0..<900, using: &random)))
            let subject = Self.address(Int.random(in: 0..<8, using: &random))
            if let begun = asked[subject], Bool.random(using: &random) {
                let granted = Int.random(in: 0..<4, using: &random)
                let share =
                    Bool.random(using: &random)
                    ? RateShare(granted: granted, remaining: 5, waitSeconds: granted == 0 ? 3 : 0, slot: 1) : nil
                _ = accounts.settle(subject, share, allowed: Self.allowed, askedAt: begun, now: now)
                if let share {
                    own[subject]?.take(share, askedAt: begun, now: now)
                } else {
                    own[subject]?.goAlone(at: now, allowed: Self.allowed)
                }
                asked[subject] = nil
            }
            let step = accounts.step(of: subject, allowed: Self.allowed, at: now)
            let same = own[subject, default: RateAccount(at: now)].next(at: now, allowed: Self.allowed)
            #expect(step == same)
            if case .ask = step { asked[subject] = now }
        }
    }

    @Test("A table keeps its order whatever is done to it", arguments: [UInt64](0..<20))
    func table(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var table = RecencyTable<Int, Int>()
        var model: [(key: Int, value: Int)] = []
        for value in 0..<1_000 {
            let key = Int.random(in: 0..<12, using: &random)
            let place = model.firstIndex { $0.key == key }
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                if let place { model.remove(at: place) }
                model.append((key, value))
                table.insert(value, for: key)
            case 1:
                if let place { model.append(model.remove(at: place)) }
                table.renew(key)
            case 2:
                if let place { model.remove(at: place) }
                table.remove(key)
            default:
                if let place { model[place].value += 1 }
                let changed: Int? = table.update(key) { value in
                    value += 1
                    return value
                }
                #expect(changed == place.map { model[$0].value })
            }
            #expect(table.count == model.count && table[key] == model.first { $0.key == key }?.value)
            #expect(table.oldest(5).map(\.key) == model.prefix(5).map(\.key))
            #expect(table.oldest(100).map(\.value) == model.map(\.value))
        }
    }

    /// A limiter that looked at every account for each newcomer would delay everybody by milliseconds each time.
    @Test("A flood of networks costs no more each than a few do", .timeLimit(.minutes(1)))
    func flood() async {
        let policy = RatePolicy(person: 0, key: 0, address: 100)
        let limiter = RateLimiter(policy: policy) { (_, ask, _) async throws(RPCError) in
            RateShare(granted: ask.wanted, remaining: 50, waitSeconds: 0, slot: 1)
        }
        var admitted = 0
        for number in 0..<100_000 {
            let network = [UInt8(number >> 16), UInt8(number >> 8 & 0xff), UInt8(number & 0xff)]
            if await limiter.admit(.address(network))?.isAdmitted == true { admitted += 1 }
        }
        #expect(admitted == 100_000)
    }
}
