import TestSupport
import Testing

@testable import MetadataService

@Suite("When titles are due again")
struct RefreshScheduleTests {
    @Test("by age, by whether somebody rated it, and by demand")
    func intervals() {
        let day: Int64 = 86_400
        func interval(
            _ age: Int64?, rated: Bool = true, wanted: Bool = true, kind: SubjectKind = .movie, ended: Bool = false
        ) -> Int64 {
            RefreshSchedule.interval(
                .init(
                    kind: kind, releasedDay: age.map { 20_000 - $0 }, hasScore: rated, isWanted: wanted, hasEnded: ended
                ), today: 20_000) / day
        }
        #expect(
            [interval(-5), interval(0), interval(29), interval(30), interval(364), interval(365)] == [
                1, 1, 1, 7, 7, 30,
            ])
        #expect([interval(400, rated: false), interval(nil), interval(nil, rated: false)] == [7, 30, 7])
        #expect(interval(400, wanted: false) == 90)
        #expect(interval(4_000, kind: .series) == 7, "a new season may come")
        #expect(interval(4_000, kind: .series, ended: true) == 30 && interval(4_000, kind: .season) == 30)
        for seed in 0..<1_000 as Range<UInt64> {
            #expect((1_000...1_200).contains(RefreshSchedule.jittered(1_000, seed: seed &* 0x1234_5678_9abc_def1)))
        }
        #expect((1...8).map { RefreshSchedule.retry(attempt: $0) / 3_600 } == [1, 2, 4, 8, 16, 24, 24, 24])
    }

    /// The order in which titles are taken is up to Postgres: see `RefreshWorkTests`.
    @Test("two replicas ask eleven providers about 100 000 titles: none above its pace, none much below it")
    func backlog() {
        let profiles = ProviderID.allCases.map(ProviderProfile.of)
        var lines = profiles.map {
            PaceLine(callsPerInterval: $0.pace.calls, interval: $0.pace.interval, dailyCallsMax: $0.pace.dailyCallsMax)
        }
        // As in a gate: places for a tenth of a second ahead belong to a replica until they are used.
        let blocks = lines.map { max(1, 100_000 / $0.stepMicroseconds) }
        var places = [[ArraySlice<Int64>]](repeating: profiles.map { _ in [] }, count: 2)
        var calls = profiles.map { _ in [Int64]() }
        let start: Int64 = 86_400_000_000 * 20_000
        var now = start
        for title in 0..<100_000 {
            let replica = title % 2
            for index in lines.indices {
                if places[replica][index].isEmpty {
                    let grant = lines[index].take(blocks[index], at: now, waitMicroseconds: 60_000_000)
                    places[replica][index] += (0..<grant.count).map {
                        grant.firstMicroseconds + $0 * lines[index].stepMicroseconds
                    }
                }
                guard let place = places[replica][index].popFirst() else { continue }
                calls[index].append(place)
                // The fastest provider has as many titles waiting as one replica works on at once.
                if index == 0 { now = max(now, place - 64 * lines[0].stepMicroseconds) }
            }
        }
        #expect(calls[0].count == 100_000, "the fastest provider was asked about every title")
        for (index, profile) in profiles.enumerated() {
            let interval = profile.pace.interval.milliseconds * 1_000
            let times = calls[index].sorted()
            #expect(Self.peak(times, within: interval) <= profile.pace.calls, "\(profile.name)")
            let allowed = Double(now - start) / Double(interval) * Double(profile.pace.calls)
            let wanted = min(allowed, Double(profile.pace.dailyCallsMax ?? .max))
            #expect(Double(times.count) > wanted * 0.9, "\(profile.name): \(times.count) of \(wanted)")
            guard let daily = profile.pace.dailyCallsMax else { continue }
            let days = Dictionary(grouping: times) { $0 / 86_400_000_000 }
            #expect(days.values.allSatisfy { $0.count <= daily }, "\(profile.name)")
        }
    }

    /// The largest number of calls within any interval of that length.
    static func peak(_ times: [Int64], within length: Int64) -> Int {
        var (first, peak) = (0, 0)
        for (index, time) in times.enumerated() {
            while time - times[first] >= length { first += 1 }
            peak = max(peak, index - first + 1)
        }
        return peak
    }

    @Test("places on the line never come closer than its pace, whoever takes how many and when")
    func line() {
        var random = SeededRandom(seed: UInt64.random(in: 0...UInt64.max))
        for _ in 0..<200 {
            let perSecond = Int.random(in: 1...300, using: &random)
            var line = PaceLine(callsPerInterval: perSecond, interval: .seconds(1))
            var now: Int64 = 1_000_000_000
            var calls: [Int64] = []
            for _ in 0..<100 {
                now += Int64.random(in: 0...200_000, using: &random)
                let grant = line.take(
                    Int64.random(in: 1...40, using: &random), at: now,
                    waitMicroseconds: Int64.random(in: 0...500_000, using: &random))
                calls += (0..<grant.count).map { grant.firstMicroseconds + $0 * line.stepMicroseconds }
            }
            #expect(calls == calls.sorted())
            #expect(Self.peak(calls, within: 1_000_000) <= perSecond, "seed \(random.seed)")
        }
    }
}
