import Testing
import Watching

@Suite struct WatchRuleTests {
    @Test func goesOnWhileItComesInTime() {
        var rule = WatchRule()
        for _ in 0..<100 {
            let starts = rule.mayStart()
            #expect(starts)
            rule.note(isInTime: true)
        }
    }

    /// Occasions that pass between one try and the next, where nothing ever comes in time.
    @Test func triesLessAndLess() {
        var rule = WatchRule()
        var pauses: [Int] = []
        for _ in 0..<13 {
            rule.note(isInTime: false)
            var pause = 0
            while !rule.mayStart() { pause += 1 }
            pauses.append(pause)
        }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 1_024, 1_024])
    }

    /// One success counts at once, but a failure after it is remembered for longer than the first.
    @Test func comesBackAtOnce() {
        var rule = WatchRule()
        for _ in 0..<6 {
            rule.note(isInTime: false)
            while !rule.mayStart() {}
        }
        rule.note(isInTime: true)
        let starts = rule.mayStart()
        #expect(starts)
        rule.note(isInTime: false)
        var pause = 0
        while !rule.mayStart() { pause += 1 }
        #expect(pause == 32)
    }
}
