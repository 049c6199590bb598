import Contracts
import TestSupport
import Testing

@testable import ScrobbleService

/// Real plays, reported by several roads, result in the same plays in whichever order they arrive.
@Suite struct PlayOrderTests {
    private static let now = Timestamp("2026-11-25T00:00:00Z") ?? Timestamp(clampingMicrosecondsSinceEpoch: 0)
    private static let title = TitleID(UUIDBits(high: 4, low: 4))

    /// One report of a real play; `play` is -1 for a report without a date.
    private struct Telling: Hashable {
        let play: Int
        let incoming: IncomingPlay
    }

    private static func incoming(_ moment: PlayMoment, _ road: String, _ key: Int) -> IncomingPlay {
        IncomingPlay(
            title: title, kind: .movie, moment: moment, percent: nil, runtimeMinutes: 100,
            source: PlaySource(name: road, key: "\(key)"))
    }

    /// Returns some plays on different days, each reported by at least one road: to the second, to the minute, or by
    /// day.
    private static func tellings(_ random: inout SeededRandom) -> [Telling] {
        let noon = 1_790_000_000 / 86_400 * 86_400 + 43_200
        var tellings: [Telling] = []
        for play in 0..<Int(random.next() % 4) {
            let at = noon - (play * 5 + Int(random.next() % 3)) * 86_400
            // One road may report the beginning and another the end: less than half the runtime apart in total.
            func moment(_ random: inout SeededRandom) -> Timestamp {
                Timestamp(clampingMicrosecondsSinceEpoch: Int64(at + Int(random.next() % 2_400) - 1_200) * 1_000_000)
            }
            let second = moment(&random)
            let minute = moment(&random)
            let cut = Timestamp(
                clampingMicrosecondsSinceEpoch: minute.microsecondsSinceEpoch / 60_000_000 * 60_000_000)
            let all = [
                incoming(.second(second, day: second.date), "plex", play),
                incoming(.minute(cut, day: cut.date), "trakt", play), incoming(.day(second.date), "diary", play),
            ]
            let told = all.filter { _ in random.next() % 3 > 0 }
            tellings += (told.isEmpty ? [all[0]] : told).map { Telling(play: play, incoming: $0) }
        }
        if random.next() % 2 == 0 { tellings.append(Telling(play: -1, incoming: incoming(.unknown, "diary", 99))) }
        return tellings
    }

    /// Returns which reports are of one play, and how precisely it is known.
    private static func plays(_ tellings: [Telling]) -> (groups: Set<Set<PlaySource>>, again: Bool, exact: [Int]) {
        var matcher = PlayMatcher(known: [], now: now)
        var count: UInt64 = 0
        func newID() -> PlayID {
            count += 1
            return PlayID(UUIDBits(high: 0, low: count))
        }
        var groups: [PlayID: Set<PlaySource>] = [:]
        var exact: [PlayID: Int] = [:]
        for telling in tellings {
            let id = matcher.verdict(on: telling.incoming, newID: newID).play
            exact[id] = max(exact[id] ?? 0, matcher.refined[id]?.exactness ?? telling.incoming.moment.exactness)
            groups[id, default: []].formUnion(telling.play < 0 ? [] : [telling.incoming.source])
        }
        let before = count
        let known = tellings.reversed().map { matcher.verdict(on: $0.incoming, newID: newID) }
        let again = known.allSatisfy { if case .known = $0 { true } else { false } }
        return (Set(groups.values), again && count == before, exact.values.sorted())
    }

    @Test("The order of arrival does not matter, and whatever comes again is known")
    func order() {
        var random = SeededRandom(seed: UInt64.random(in: 0 ... .max))
        for round in 0..<2_000 {
            let tellings = Self.tellings(&random)
            let first = Self.plays(tellings)
            let real = Set(tellings.map(\.play).filter { $0 >= 0 })
            #expect(
                first.groups.count == max(real.count, tellings.isEmpty ? 0 : 1),
                "seed \(random.seed), round \(round): \(tellings)")
            for _ in 0..<5 {
                let shuffled = Self.plays(tellings.shuffled(using: &random))
                #expect(shuffled.groups == first.groups, "seed \(random.seed), round \(round): \(tellings)")
                #expect(shuffled.exact == first.exact, "seed \(random.seed), round \(round): \(tellings)")
                #expect(shuffled.again, "seed \(random.seed), round \(round): \(tellings)")
            }
        }
    }

    @Test("Which of two plays is named first does not matter")
    func symmetric() {
        var random = SeededRandom(seed: UInt64.random(in: 0 ... .max))
        func trace() -> PlayTrace {
            let at = Timestamp(clampingMicrosecondsSinceEpoch: Int64(random.next() % 400) * 977_000_000)
            let moment: PlayMoment = [
                .second(at, day: at.date), .minute(at, day: at.date), .day(at.date), .unknown,
            ][Int(random.next() % 4)]
            return PlayTrace(
                moment: moment, roads: [["plex"], ["trakt"], ["manual"], ["plex", "manual"]][Int(random.next() % 4)],
                runtimeMinutes: [nil, 20, 100][Int(random.next() % 3)],
                knownSince: Timestamp(clampingMicrosecondsSinceEpoch: Int64(random.next() % 400) * 977_000_000))
        }
        for round in 0..<20_000 {
            let (one, other) = (trace(), trace())
            #expect(
                PlayMatcher.distance(one, other) == PlayMatcher.distance(other, one),
                "seed \(random.seed), round \(round): \(one) \(other)")
        }
    }

    @Test("What may be the same play stands within reach, wherever its person lives and however long the title is")
    func reach() {
        var random = SeededRandom(seed: UInt64.random(in: 0 ... .max))
        func trace() -> PlayTrace {
            let at = Timestamp(clampingMicrosecondsSinceEpoch: Int64(random.next() % 8_000) * 97_000_000)
            let there = at.advanced(by: .seconds((Int(random.next() % 27) - 12) * 3_600)).date
            let moments: [PlayMoment] = [.second(at, day: there), .minute(at, day: there), .day(there)]
            let moment = moments[Int(random.next() % 3)]
            return PlayTrace(
                moment: moment, roads: [["plex"], ["trakt"]][Int(random.next() % 2)],
                runtimeMinutes: [nil, 100, 100_000][Int(random.next() % 3)], knownSince: Self.now)
        }
        var met = 0
        for round in 0..<20_000 {
            let (one, other) = (trace(), trace())
            guard PlayMatcher.distance(one, other) != nil else { continue }
            met += 1
            #expect(
                PlayMatcher.reach(of: one.moment).contains(other.moment.listedAt),
                "seed \(random.seed), round \(round): \(one) \(other)")
        }
        #expect(met > 500, "seed \(random.seed)")
        #expect(PlayMatcher.reach(of: .unknown).contains(Timestamp(clampingMicrosecondsSinceEpoch: .max)))
    }

    @Test("Plays that turn out to be of one title are one where the rules say so, and keep every road")
    func merging() {
        func known(_ id: UInt64, _ moment: PlayMoment, _ roads: [String], removed: Bool = false) -> KnownPlay {
            KnownPlay(
                id: PlayID(UUIDBits(high: 0, low: id)), title: Self.title, moment: moment, runtimeMinutes: 100,
                isRemoved: removed, knownSince: Self.now, sources: Set(roads.map { PlaySource(name: $0, key: "\(id)") })
            )
        }
        let evening = Timestamp("2026-11-01T20:00:00Z") ?? Self.now
        let late = evening.advanced(by: .seconds(1_200))
        func pairs(_ plays: [KnownPlay]) -> [String] {
            PlayMerge.pairs(plays).map { "\($0.gone.uuid.low)→\($0.stays.uuid.low)" }
        }
        let exact = known(1, .second(evening, day: evening.date), ["plex"])
        let near = known(2, .minute(late, day: late.date), ["trakt"])
        let day = known(3, .day(evening.date), ["diary"])
        let sometime = known(4, .unknown, ["file"])
        for order in [[exact, near, day, sometime], [sometime, day, near, exact]] {
            #expect(Set(pairs(order)) == ["2→1", "3→1", "4→1"])
        }
        // One road reported both: two plays.
        let listed = known(7, .second(evening, day: evening.date), ["trakt"])
        #expect(pairs([listed, known(5, .second(late, day: late.date), ["trakt"])]).isEmpty)
        // The play that is not removed is kept.
        #expect(pairs([known(6, .second(evening, day: evening.date), ["plex"], removed: true), day]) == ["6→3"])
    }
}
