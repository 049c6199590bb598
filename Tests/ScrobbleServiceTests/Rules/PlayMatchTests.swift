import Contracts
import TestSupport
import Testing

@testable import ScrobbleService

@Suite struct PlayMatchTests {
    private static let title = TitleID(UUIDBits(high: 3, low: 3))

    private static func at(_ text: String) -> Timestamp {
        Timestamp(text) ?? Timestamp(clampingMicrosecondsSinceEpoch: 0)
    }
    private static func second(_ text: String) -> PlayMoment { .second(at(text), day: at(text).date) }
    private static func minute(_ text: String) -> PlayMoment { .minute(at(text), day: at(text).date) }
    private static func day(_ text: String) -> PlayMoment {
        CalendarDate(text).map { .day($0) } ?? .unknown
    }

    private static func incoming(
        _ moment: PlayMoment, from road: String, key: String = "1", runtime: Int? = nil
    ) -> IncomingPlay {
        IncomingPlay(
            title: title, kind: .movie, moment: moment, percent: nil, runtimeMinutes: runtime,
            source: PlaySource(name: road, key: key))
    }

    @Test(
        "Two plays of one ledger stay two where one has no date, whichever comes first, and are known when they come again"
    )
    func ownPlays() {
        let (undated, dated) = (
            Self.incoming(.unknown, from: "reelay", key: "a"),
            Self.incoming(Self.second("2026-03-01T20:00:00Z"), from: "reelay", key: "b")
        )
        for order in [[undated, dated], [dated, undated]] {
            var matcher = PlayMatcher(known: [], now: Self.at("2026-04-25T00:00:00Z"))
            var next: UInt64 = 0
            let verdicts = (order + order).map { play in
                matcher.verdict(on: play) {
                    next += 1
                    return PlayID(UUIDBits(high: 0, low: next))
                }
            }
            let ids = verdicts.map(\.play)
            #expect(Set(ids).count == 2 && ids[0] == ids[2] && ids[1] == ids[3], "\(verdicts)")
        }
        // Two ledgers may report the same moment.
        let other = Self.incoming(Self.second("2026-03-01T20:00:00Z"), from: "reelay", key: "c")
        #expect(Self.plays(dated, other) == 1)
        // Another source's "at some time" may be the known play.
        #expect(Self.plays(Self.incoming(.unknown, from: "letterboxd", key: "d"), dated) == 1)
    }

    /// Returns how many plays two arrivals make.
    private static func plays(_ one: IncomingPlay, _ other: IncomingPlay) -> Int {
        var matcher = PlayMatcher(known: [], now: at("2026-11-25T00:00:00Z"))
        var next: UInt64 = 0
        let verdicts = [one, other].map { play in
            matcher.verdict(on: play) {
                next += 1
                return PlayID(UUIDBits(high: 0, low: next))
            }
        }
        return Set(verdicts.map(\.play)).count
    }

    @Test(
        "Two roads, one play or two",
        arguments: [
            // The same moment, reported to the second and to the minute.
            (second("2026-11-01T20:31:45Z"), minute("2026-11-01T20:31:00Z"), nil, 1),
            (second("2026-11-01T20:31:45Z"), second("2026-11-01T20:36:45Z"), nil, 1),
            (second("2026-11-01T20:31:45Z"), second("2026-11-01T20:36:46Z"), nil, 2),
            // A two-hour film: its last hour overlaps.
            (second("2026-11-01T20:00:00Z"), second("2026-11-01T21:00:00Z"), 120, 1),
            (second("2026-11-01T20:00:00Z"), second("2026-11-01T21:00:01Z"), 120, 2),
            // A day, and a moment that is or is not on it.
            (second("2026-11-01T20:00:00Z"), day("2026-11-01"), nil, 1),
            (minute("2026-11-01T20:00:00Z"), day("2026-11-02"), nil, 2),
            (day("2026-11-01"), day("2026-11-01"), nil, 1), (day("2026-11-01"), day("2026-11-02"), nil, 2),
            (.unknown, .unknown, nil, 1),
            // "At some time", and a date before that was reported; a later date is a new play.
            (second("2026-11-01T20:00:00Z"), .unknown, nil, 1), (.unknown, day("2026-11-01"), nil, 1),
            (.unknown, day("2026-11-26"), nil, 2),
        ] as [(PlayMoment, PlayMoment, Int?, Int)])
    func roads(one: PlayMoment, other: PlayMoment, runtime: Int?, count: Int) {
        let (one, other) = (
            Self.incoming(one, from: "plex", runtime: runtime), Self.incoming(other, from: "trakt")
        )
        #expect(Self.plays(one, other) == count)
        if count == 1 || one.moment != .unknown {
            #expect(Self.plays(other, one) == count, "whichever comes first")
        }
    }

    @Test("One road that lists two plays means two, unless they are at the very same moment")
    func rewatches() {
        let evening = Self.second("2026-11-01T20:00:00Z")
        let later = Self.second("2026-11-01T20:04:00Z")
        #expect(Self.plays(Self.incoming(evening, from: "trakt"), Self.incoming(later, from: "trakt", key: "2")) == 2)
        #expect(Self.plays(Self.incoming(evening, from: "trakt"), Self.incoming(evening, from: "trakt", key: "2")) == 1)
        let diary = Self.day("2026-11-01")
        #expect(Self.plays(Self.incoming(diary, from: "file"), Self.incoming(diary, from: "file", key: "2")) == 2)
        // An accidental second entry.
        #expect(Self.plays(Self.incoming(evening, from: "manual"), Self.incoming(later, from: "manual", key: "2")) == 1)
    }

    @Test("A file that comes again is known row by row, whatever is in it and in whichever order")
    func again() {
        var random = SeededRandom(seed: UInt64.random(in: 0 ... .max))
        for round in 0..<300 {
            let file = (0..<Int(random.next() % 30)).map { number in
                let moment: PlayMoment =
                    switch random.next() % 4 {
                    case 0:
                        .second(
                            Timestamp(clampingMicrosecondsSinceEpoch: Int64(random.next() % 9) * 60_000_000),
                            day: .epoch)
                    case 1:
                        .minute(
                            Timestamp(clampingMicrosecondsSinceEpoch: Int64(random.next() % 9) * 60_000_000),
                            day: .epoch)
                    case 2: .day(CalendarDate(daysSinceEpoch: Int(random.next() % 3)) ?? .epoch)
                    default: .unknown
                    }
                return IncomingPlay(
                    title: TitleID(UUIDBits(high: 1, low: random.next() % 4)), kind: .movie, moment: moment,
                    percent: nil,
                    runtimeMinutes: nil, source: PlaySource(name: "file", key: "\(number)"))
            }
            var matcher = PlayMatcher(known: [], now: Self.at("2026-11-25T00:00:00Z"))
            var next: UInt64 = 0
            func newID() -> PlayID {
                next += 1
                return PlayID(UUIDBits(high: 0, low: next))
            }
            let first = file.map { matcher.verdict(on: $0, newID: newID) }
            let count = next
            for row in file.shuffled(using: &random) {
                let again = matcher.verdict(on: row, newID: newID)
                guard case .known(let id) = again, first.contains(where: { $0.play == id }) else {
                    Issue.record("seed \(random.seed), round \(round): \(row) became \(again)")
                    return
                }
            }
            #expect(next == count)
        }
    }

    // Previously, a road's later change of the day was ignored because the entry was known.
    @Test("A play that one road has brought is moved where that road has it on another day now, and no other play is")
    func moved() {
        let (id, now) = (PlayID(UUIDBits(high: 0, low: 7)), Self.at("2026-11-25T00:00:00Z"))
        let (before, after) = (Self.day("2020-01-01"), Self.day("2020-02-02"))
        func known(
            _ moment: PlayMoment, _ roads: [String] = ["letterboxd"], as id: PlayID, key: String = "1",
            isBrought: Bool = true
        ) -> KnownPlay {
            KnownPlay(
                id: id, title: Self.title, moment: moment, runtimeMinutes: nil, isRemoved: false, knownSince: now,
                sources: Set(roads.map { PlaySource(name: $0, key: key) }), isBrought: isBrought)
        }
        func verdict(_ plays: [KnownPlay], mayMove: Bool = true, _ moment: PlayMoment? = nil) -> PlayVerdict {
            var matcher = PlayMatcher(known: plays, now: now, mayMove: mayMove)
            let incoming = Self.incoming(moment ?? after, from: "letterboxd")
            let verdict = matcher.verdict(on: incoming) { PlayID(UUIDBits(high: 0, low: 8)) }
            #expect(matcher.refined == (verdict == .moved(id) ? [id: after] : [:]))
            #expect(matcher.moved == (verdict == .moved(id) ? [id: before] : [:]))
            // The second time, it is already where it is reported to be.
            #expect(matcher.verdict(on: incoming) { PlayID(UUIDBits(high: 0, low: 9)) } == .known(id))
            return verdict
        }
        #expect(verdict([known(before, as: id)]) == .moved(id))
        #expect(verdict([known(before, as: id)], before) == .known(id))
        #expect(verdict([known(before, as: id)], .unknown) == .known(id))
        #expect(verdict([known(before, as: id)], mayMove: false) == .known(id))
        // The person put it there, or another road reports it too or reports its time.
        #expect(verdict([known(before, as: id, isBrought: false)]) == .known(id))
        #expect(verdict([known(before, ["letterboxd", "trakt"], as: id)]) == .known(id))
        #expect(verdict([known(Self.second("2020-01-01T20:00:00Z"), as: id)]) == .known(id))
        // It moves beside another entry of that day, but not onto one that another road reports too.
        let other = PlayID(UUIDBits(high: 0, low: 6))
        #expect(verdict([known(before, as: id), known(after, as: other, key: "2")]) == .moved(id))
        #expect(verdict([known(before, as: id), known(after, ["trakt"], as: other, key: "2")]) == .known(id))
    }

    @Test("What its person removed stays removed, by whichever road it comes")
    func removed() {
        let id = PlayID(UUIDBits(high: 0, low: 7))
        let known = KnownPlay(
            id: id, title: Self.title, moment: Self.second("2026-11-01T20:00:00Z"), runtimeMinutes: nil,
            isRemoved: true, knownSince: Self.at("2026-11-01T22:00:00Z"),
            sources: [PlaySource(name: "plex", key: "1")])
        var matcher = PlayMatcher(known: [known], now: Self.at("2026-11-25T00:00:00Z"))
        func newID() -> PlayID { PlayID(UUIDBits(high: 0, low: 8)) }
        for play in [
            Self.incoming(Self.second("2026-11-01T20:00:00Z"), from: "plex"),
            Self.incoming(Self.minute("2026-11-01T20:01:00Z"), from: "trakt"), Self.incoming(.unknown, from: "file"),
        ] { #expect(matcher.verdict(on: play, newID: newID) == .removed(id)) }
        let other = Self.incoming(Self.second("2026-11-02T20:00:00Z"), from: "trakt", key: "2")
        #expect(matcher.verdict(on: other, newID: newID) == .new(newID()))
    }
}

extension CalendarDate {
    fileprivate static var epoch: CalendarDate { Timestamp(clampingMicrosecondsSinceEpoch: 0).date }
}
