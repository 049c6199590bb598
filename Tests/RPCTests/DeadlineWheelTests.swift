import Testing

@testable import RPC

@Suite struct DeadlineWheelTests {
    /// Compared with a plain list: each due entry comes out once, at the first advance that reaches it, and never after
    /// it was disarmed.
    @Test(arguments: [UInt64](1...40)) func behavesLikeAList(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var wheel = DeadlineWheel<Int>()
        var expected: [Int: (key: DeadlineWheel<Int>.Key, tick: UInt64)] = [:]
        var now: UInt64 = 0
        for step in 0..<600 {
            switch Int.random(in: 0..<4, using: &random) {
            case 0, 1:
                let tick = now + UInt64.random(in: 0..<1_000, using: &random)
                expected[step] = (wheel.arm(step, at: tick), max(tick, now + 1))
            case 2:
                guard let (element, entry) = expected.randomElement(using: &random) else { continue }
                expected[element] = nil
                #expect(wheel.disarm(entry.key) == true, "seed \(seed)")
                #expect(wheel.disarm(entry.key) == false, "seed \(seed)")
            default:
                now += UInt64.random(in: 1..<700, using: &random)
                let due = expected.filter { $0.value.tick <= now }
                #expect(Set(wheel.advance(to: now)) == Set(due.keys), "seed \(seed)")
                for element in due.keys { expected[element] = nil }
            }
            #expect(wheel.count == expected.count, "seed \(seed)")
        }
    }

    @Test func aKeyOfAnEarlierLifeDisarmsNothing() {
        var wheel = DeadlineWheel<Int>()
        let first = wheel.arm(1, at: 5)
        #expect(wheel.advance(to: 5) == [1])
        _ = wheel.arm(2, at: 9)
        #expect(wheel.disarm(first) == false)
        #expect(wheel.advance(to: 9) == [2])
    }
}
