import Contracts
import TestSupport
import Testing

@testable import ScrobbleService

@Suite struct ShowProgressTests {
    private static let today = CalendarDate("2026-11-25") ?? Timestamp(clampingMicrosecondsSinceEpoch: 0).date

    /// Returns episode `season`x`number`, aired unless `released` is in the future or unknown, and played at `times`.
    private static func episode(
        _ season: Int, _ number: Int, played times: [Int] = [], released: String? = "2026-01-01"
    ) -> EpisodeState {
        EpisodeState(
            title: TitleID(UUIDBits(high: UInt64(season), low: UInt64(number))), season: season, number: number,
            releasedOn: released.flatMap { CalendarDate($0) }, plays: times.count,
            lastPlayedAt: times.max().map { Timestamp(clampingMicrosecondsSinceEpoch: Int64($0)) })
    }

    private static func progress(_ episodes: [EpisodeState], specials: Bool = false) -> ShowProgress {
        ShowProgress(episodes, today: today, withSpecials: specials)
    }

    @Test("Specials count where they are asked for, and what has not aired does not")
    func counting() {
        let show = [
            Self.episode(0, 1), Self.episode(1, 1, played: [5]), Self.episode(1, 2, played: [6, 7]),
            Self.episode(1, 3, released: "2026-11-26"), Self.episode(1, 4, released: nil),
        ]
        let progress = Self.progress(show)
        #expect((progress.aired, progress.watched, progress.plays) == (2, 2, 3))
        #expect(progress.isWatched)
        #expect(progress.next == nil)
        let all = Self.progress(show, specials: true)
        #expect((all.aired, all.watched) == (3, 2))
        #expect(!all.isWatched)
        #expect(all.next == nil, "a special never comes next")
        // Seen at a festival, a day before its release.
        let early = Self.progress([Self.episode(1, 1, played: [1], released: "2026-11-26")])
        #expect((early.aired, early.watched) == (1, 1))
        #expect(!Self.progress([]).isWatched)
    }

    @Test("What comes next")
    func next() {
        func next(_ episodes: [EpisodeState]) -> String? {
            Self.progress(episodes).next.map { "\($0.season)x\($0.number)" }
        }
        #expect(next([Self.episode(1, 2), Self.episode(1, 1)]) == "1x1")
        #expect(next([Self.episode(1, 1, played: [1]), Self.episode(1, 2), Self.episode(2, 1)]) == "1x2")
        #expect(next([Self.episode(1, 1, played: [1]), Self.episode(1, 2, released: "2026-11-26")]) == nil)
        // A finale seen once does not hide the beginning, where the viewer is now.
        #expect(
            next([
                Self.episode(1, 1, played: [9]), Self.episode(1, 2), Self.episode(3, 1, played: [1]),
                Self.episode(3, 2),
            ]) == "1x2")
        // A whole season marked at one moment: the furthest episode counts, not a gap within it.
        #expect(
            next([
                Self.episode(1, 1, played: [3]), Self.episode(1, 2), Self.episode(1, 3, played: [3]),
                Self.episode(2, 1),
            ]) == "2x1")
        // A rewatch continues after the episode last seen.
        #expect(
            next([Self.episode(1, 1, played: [1, 9]), Self.episode(1, 2, played: [2]), Self.episode(1, 3)]) == "1x3")
        #expect(next([Self.episode(0, 7, played: [9]), Self.episode(1, 1, played: [1]), Self.episode(1, 2)]) == "1x2")
    }

    @Test("Marking up to an episode writes down what aired, was not watched and is no special")
    func marking() {
        let show = [
            Self.episode(0, 1), Self.episode(1, 1), Self.episode(1, 2, played: [4]), Self.episode(1, 3),
            Self.episode(2, 1), Self.episode(2, 2, released: "2026-12-24"),
        ]
        func marked(_ last: (Int, Int)?, specials: Bool = false) -> [String] {
            ShowProgress.toMark(show, upTo: last, today: Self.today, withSpecials: specials)
                .map { "\($0.season)x\($0.number)" }
        }
        #expect(marked((1, 3)) == ["1x1", "1x3"])
        #expect(marked((1, 3), specials: true) == ["0x1", "1x1", "1x3"])
        #expect(marked(nil) == ["1x1", "1x3", "2x1"])
        #expect(marked((2, 2)) == ["1x1", "1x3", "2x1"])
    }

    @Test("After marking up to an episode everything before it is watched, and what comes next lies behind it")
    func property() {
        var random = SeededRandom(seed: UInt64.random(in: 0 ... .max))
        for round in 0..<500 {
            var show: [EpisodeState] = []
            for season in 0..<4 {
                for number in 1...5 where random.next() % 5 > 0 {
                    let times = (0..<Int(random.next() % 3)).map { _ in Int(random.next() % 50) }
                    let released = ["2026-01-01", "2026-11-25", "2026-11-26", nil][Int(random.next() % 4)]
                    show.append(Self.episode(season, number, played: times, released: released))
                }
            }
            let last = (Int(random.next() % 4), Int(random.next() % 6))
            let marked = Set(
                ShowProgress.toMark(show, upTo: last, today: Self.today, withSpecials: false).map(\.title))
            let after = show.map { episode in
                marked.contains(episode.title)
                    ? Self.episode(
                        episode.season, episode.number, played: [100], released: episode.releasedOn?.description)
                    : episode
            }
            let upTo = after.filter { $0.season > 0 && ($0.season, $0.number) <= last }
            let part = Self.progress(upTo)
            #expect(part.watched == part.aired, "seed \(random.seed), round \(round)")
            if !marked.isEmpty, let next = Self.progress(after).next {
                #expect((next.season, next.number) > last || next.season == 0, "seed \(random.seed), round \(round)")
            }
            #expect(
                ShowProgress.toMark(after, upTo: last, today: Self.today, withSpecials: false).isEmpty,
                "seed \(random.seed), round \(round)")
        }
    }
}
