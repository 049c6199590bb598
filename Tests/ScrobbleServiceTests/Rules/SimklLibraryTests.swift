import Contracts
import Foundation
import JSON
import Testing

@testable import ScrobbleService

/// What Simkl reports about a library and its activities.
@Suite struct SimklLibraryTests {
    private func value(_ text: String) throws -> JSONValue {
        try decodeJSON(JSONValue.self, from: Array(text.utf8), unknownMembers: .tolerate)
    }

    private func items(_ text: String) throws -> [SimklRows.Item] {
        try #require(SimklRows.items(try value(text))).items
    }

    private static let library = """
        {"shows":[{"status":"watching","last_watched_at":"2024-05-06T20:00:00Z","user_rating":null,"memo":{"text":"m"},
            "show":{"title":"A Show","year":2001,"ids":{"simkl":11,"tvdb":"22","imdb":""}},
            "seasons":[{"number":1,"episodes":[{"number":2,"watched_at":"2024-05-06T20:00:00Z"},{"number":3,"watched_at":"1970-01-01T00:00:01Z"},{"watched_at":"2024-05-06T20:00:00Z"}]}]}],
        "anime":[{"status":"completed","last_watched_at":"2023-01-01T00:00:00Z","anime_type":"movie","show":{"title":"A Film","ids":{"simkl":"33","mal":"44"}}},
            {"status":"watching","anime_type":"tv","show":{"title":"A Cour","ids":{"simkl":55,"anidb":"66"}},
            "seasons":[{"number":1,"episodes":[{"number":13,"watched_at":"2024-01-01T00:00:00Z","tvdb":{"season":2,"episode":1}}]}]}],
        "movies":[{"status":"completed","last_watched_at":"1970-01-01T00:00:01Z","user_rating":8,"user_rated_at":"2024-02-02T00:00:00Z","movie":{"title":"Once","year":1950,"ids":{"simkl":77,"imdb":"tt0000077"}}},
            {"status":"plantowatch","added_to_watchlist_at":"2024-03-03T00:00:00Z","last_watched_at":null,"user_rating":11,"movie":{"title":"Later","ids":{"simkl_id":88}}},
            {"status":"dropped","movie":{"title":"No","ids":{"simkl":99}}},
            {"status":"hold","movie":{"title":"Nameless","ids":{"slug":"x"}}}]}
        """

    @Test(
        "Rows of every list: texts for numbers, a film among anime, TVDB's numbers, at some time; what has no number counts"
    )
    func rows() throws {
        let read = try #require(SimklRows.items(try value(Self.library)))
        #expect(read.unreadable == 1 && read.items.map(\.simkl) == [11, 33, 55, 77, 88, 99])
        #expect(read.items.allSatisfy { $0.row["memo"].isNull })
        let films = SimklRows.rows(read.items, .history, .movie)
        #expect(films.map(\.item.number) == [33, 77] && films.map(\.value.playedAt?.date.year) == [2023, nil])
        let plays = SimklRows.rows(read.items, .history, .episode)
        #expect(plays.map { "\($0.item.season ?? -1)x\($0.item.episode ?? -1)" } == ["1x2", "1x3", "2x1"])
        #expect(plays[0].item.series == ExternalIds(tvdb: 22, simkl: 11) && plays[1].value.playedAt == nil)
        #expect(Set(plays.map(\.item.number)).count == 3)
        let ratings = SimklRows.rows(read.items, .ratings, .movie)
        #expect(ratings.map(\.value) == [.rating(8, at: Timestamp("2024-02-02T00:00:00Z"))], "11 is no rating")
        #expect(ratings.map(\.item.ids) == [ExternalIds(imdb: "tt0000077", simkl: 77)])
        let wishes = SimklRows.rows(read.items, .watchlist, .movie)
        #expect(wishes.map(\.item.number) == [88, 99])
        #expect(
            wishes.map { row -> WishStatus? in if case .listed(_, let status) = row.value { status } else { nil } }
                == [.planToWatch, .dropped])
        #expect(SimklRows.elsewhere(read.items, .movie).map(\.number) == [33, 77])
        #expect(SimklRows.elsewhere(read.items, .series).map(\.number) == [11, 55])
        let gone = read.items.map { SimklRows.Item(group: $0.group, simkl: $0.simkl, row: $0.row, isGone: true) }
        for facet in SyncFacet.allCases { #expect(SimklRows.rows(gone, facet, .movie).isEmpty) }
        #expect(SimklRows.elsewhere(gone, .movie).isEmpty)
    }

    @Test(
        "A rating without a day has one that is a guess: when it was watched last, else when it was listed, else none")
    func undatedRatings() throws {
        let library = """
            {"movies":[{"status":"completed","last_watched_at":"2024-05-06T20:00:00Z","added_to_watchlist_at":"2024-03-03T00:00:00Z","user_rating":8,"movie":{"ids":{"simkl":1}}},
                {"status":"completed","last_watched_at":"1970-01-01T00:00:01Z","added_to_watchlist_at":"2024-03-03T00:00:00Z","user_rating":7,"user_rated_at":null,"movie":{"ids":{"simkl":2}}},
                {"status":"completed","user_rating":6,"movie":{"ids":{"simkl":3}}}]}
            """
        let ratings = SimklRows.rows(try items(library), .ratings, .movie)
        #expect(
            ratings.map(\.value) == [
                .rating(8, at: nil, about: Timestamp("2024-05-06T20:00:00Z")),
                .rating(7, at: nil, about: Timestamp("2024-03-03T00:00:00Z")), .rating(6, at: nil),
            ])
    }

    @Test(
        "What is taken off is the item on the list, by any id; another season of the same show, or one that is gone, is not"
    )
    func leaving() throws {
        let items = try items(
            """
            {"anime":[{"status":"completed","anime_type":"tv","show":{"title":"A","ids":{"simkl":1,"tvdb":"7","mal":"70"}}},
                {"status":"hold","anime_type":"tv","show":{"title":"A 2","ids":{"simkl":2,"tvdb":"7","mal":"71"}}},
                {"status":"hold","anime_type":"movie","show":{"title":"F","ids":{"simkl":3,"anidb":"8"}}}],
            "shows":[{"status":"dropped","show":{"title":"B","ids":{"simkl":4,"imdb":"tt0000009"}}}]}
            """)
        func leaving(_ ids: ExternalIds, _ kind: TitleKind = .series, _ among: [SimklRows.Item]? = nil)
            -> SimklRows.Leaving
        {
            SimklRows.leaving(TitleQuery(kind: kind, ids: ids), among: among ?? items)
        }
        #expect(leaving(ExternalIds(tvdb: 7)) == .bare(simkl: 2))
        #expect(leaving(ExternalIds(tvdb: 7, simkl: 1)) == .gone, "its own number counts")
        #expect(leaving(ExternalIds(myanimelist: 71)) == .bare(simkl: 2))
        #expect(leaving(ExternalIds(anidb: 8), .movie) == .bare(simkl: 3))
        #expect(leaving(ExternalIds(anidb: 8)) == .gone, "a film is no show")
        #expect(leaving(ExternalIds(imdb: "tt0000009")) == .bare(simkl: 4))
        let stale = items.map { SimklRows.Item(group: $0.group, simkl: $0.simkl + 100, row: $0.row, isGone: true) }
        #expect(leaving(ExternalIds(imdb: "tt0000009"), .series, stale + items) == .bare(simkl: 4))
        let films = SimklRows.rows(items, .watchlist, .movie)
        #expect(films.map(\.value) == [.listed(at: nil, .planToWatch)], "a film cannot be laid aside")
    }

    @Test("The same date is the same play, another date another one")
    func plays() throws {
        func number(_ date: String) throws -> RemoteValue? {
            let text = #"{"movies":[{"status":"completed","last_watched_at":"\#(date)","movie":{"ids":{"simkl":1}}}]}"#
            return SimklRows.rows(try items(text), .history, .movie).first?.value
        }
        #expect(try number("2024-01-01T00:00:00Z") == number("2024-01-01T00:00:00Z"))
        #expect(try number("2024-01-01T00:00:00Z") != number("2024-01-01T00:00:01Z"))
    }

    @Test(
        "null, {} and [] are no news; anything that is no library is none",
        arguments: ["[{}]", "1", #"{"movies":{}}"#, "true"])
    func nothing(_ text: String) throws {
        #expect(
            try items("null").isEmpty && items("{}").isEmpty && items("[]").isEmpty && items(#"{"shows":null}"#).isEmpty
        )
        #expect(SimklRows.items(try value(text)) == nil)
    }

    // MARK: How far a reading has come

    private func stamps(_ all: String, lists: [String: String] = [:], removals: [String: String] = [:]) throws
        -> SimklStamps
    {
        func block(_ group: String) -> String {
            let list = lists[group].map { "\"\($0)\"" } ?? "null"
            let removal = removals[group].map { "\"\($0)\"" } ?? "null"
            return #"{"all":"\#(all)","completed":\#(list),"removed_from_list":\#(removal),"playback":"\#(all)"}"#
        }
        let text =
            #"{"all":"\#(all)","tv_shows":\#(block("shows")),"anime":\#(block("anime")),"movies":\#(block("movies"))}"#
        return try #require(SimklStamps(try value(text)))
    }

    private let movie = SimklRows.Item(group: "movies", simkl: 1, row: .null)

    @Test("A reading goes no further than what it was shown: by group, with an answer that is empty, with removals")
    func reached() throws {
        let now = try #require(Timestamp("2026-11-20T20:00:00Z"))
        let before = try stamps("1", lists: ["movies": "1"])
        let moved = try stamps("2", lists: ["movies": "2"])
        #expect(moved.reached(since: before, [movie], [:], at: now) == moved)
        let unshown = moved.reached(since: before, [], [:], at: now)
        #expect(unshown.all == "1" && unshown.lists["movies"] == before.lists["movies"])
        #expect(unshown.groups["shows"] == "2", "the other groups have come as far as they say")
        // Only a playback position has moved, so nothing had to be shown.
        let played = try stamps("3", lists: ["movies": "1"])
        #expect(played.reached(since: before, [], [:], at: now) == played)

        let removed = try stamps("2", lists: ["movies": "1"], removals: ["movies": "2"])
        func rest(_ left: Int, of known: Int) -> [String: SimklStamps.Rest] {
            ["movies": SimklStamps.Rest(left: Set((0..<left).map(Int64.init)), known: Set((0..<known).map(Int64.init)))]
        }
        #expect(removed.reached(since: before, [], [:], at: now).removals["movies"] == "", "no list came")
        #expect(removed.reached(since: before, [], rest(99, of: 100), at: now) == removed)
        #expect(
            removed.reached(since: before, [], rest(50, of: 100), at: now).removals["movies"] == "", "read once more")
        #expect(
            removed.reached(since: before, [], rest(50, of: 50), at: now) == removed, "the second time nothing is new")
        // A list of ids does not make up for changes that are missing.
        let both = try stamps("2", lists: ["movies": "2"], removals: ["movies": "2"])
        #expect(both.reached(since: before, [], rest(9, of: 10), at: now).all == "1")
    }

    /// Previously, either was requested again at every check, forever.
    @Test(
        "What came and went, and a group that was emptied, are believed once the same was said for a minute, and no sooner"
    )
    func saidAgain() throws {
        let now = try #require(Timestamp("2026-11-20T20:00:00Z"))
        func after(_ seconds: Int64) -> Timestamp { now.advanced(by: .seconds(seconds)) }
        let before = try stamps("1", lists: ["movies": "1"], removals: ["movies": "1"])
        // Added to a list and removed again: both stamps have moved, and nothing is shown.
        let passed = try stamps("2", lists: ["movies": "2"], removals: ["movies": "2"])
        let rest = ["movies": SimklStamps.Rest(left: [1], known: [1])]
        let first = passed.reached(since: before, [], rest, at: now)
        #expect(first.all == "1" && first.lists == before.lists && first.removals == before.removals)
        let soon = passed.reached(since: first, [], rest, at: after(59))
        #expect(soon == first, "since when it is said stays")
        #expect(passed.reached(since: soon, [], rest, at: after(60)) == passed)
        #expect(passed.reached(since: soon, [], [:], at: after(60)).all == "1", "what is left is not known")
        #expect(passed.reached(since: soon, [movie], rest, at: after(1)) == passed, "it was shown after all")
        // Something happened in the meantime: the wait starts over.
        let later = try stamps("3", lists: ["movies": "3"], removals: ["movies": "2"])
        let anew = later.reached(since: soon, [], rest, at: after(60))
        #expect(anew.all == "1" && later.reached(since: anew, [], rest, at: after(120)) == later)
        // List stamps cannot move unless an item has.
        let untrue = try stamps("2", lists: ["movies": "2"], removals: ["movies": "1"])
        let never = untrue.reached(since: before, [], [:], at: now)
        #expect(untrue.reached(since: never, [], [:], at: after(3_600)).all == "1")

        // The last item of a group is gone.
        let last = try stamps("2", lists: ["movies": "1"], removals: ["movies": "2"])
        func empty(_ known: Int) -> [String: SimklStamps.Rest] {
            ["movies": SimklStamps.Rest(left: [], known: Set((0..<known).map(Int64.init)))]
        }
        #expect(last.believed(empty(1), since: before, [], at: now).isEmpty)
        let doubted = last.reached(since: before, [], [:], doubted: ["movies"], at: now)
        #expect(doubted.removals == before.removals && doubted.all == "2")
        #expect(SimklStamps(stored: doubted.stored) == doubted)
        #expect(last.believed(empty(1), since: doubted, [], at: after(59)).isEmpty)
        #expect(last.believed(empty(1), since: doubted, [movie], at: after(60)).isEmpty, "it is shown beside it")
        #expect(last.believed(empty(1), since: doubted, [], at: after(60)) == empty(1))
        #expect(last.reached(since: doubted, [], empty(1), at: after(60)) == last)
        // Several at once take a day, by which time an outage is over.
        #expect(last.believed(empty(2), since: doubted, [], at: after(86_399)).isEmpty)
        #expect(last.believed(empty(2), since: doubted, [], at: after(86_400)) == empty(2))
        // That nothing was shown while something was left is a separate doubt: one empty list proves nothing then.
        #expect(passed.believed(empty(1), since: first, [], at: after(60)).isEmpty)
        let emptied = passed.reached(since: first, [], [:], doubted: ["movies"], at: after(60))
        #expect(passed.believed(empty(1), since: emptied, [], at: after(119)).isEmpty)
        #expect(passed.believed(empty(1), since: emptied, [], at: after(120)) == empty(1))
        // Nor the other way round.
        #expect(passed.reached(since: emptied, [], rest, at: after(120)).all == "1")
        // Many removals at once are read a second time, which does not take another minute.
        let many = last.reached(since: doubted, [], empty(9), at: after(60))
        #expect(many.removals == before.removals && many.doubts == doubted.doubts)
        #expect(last.reached(since: many, [], empty(0), at: after(61)) == last)
        // We removed it ourselves: there is nothing to remove here.
        #expect(last.believed(empty(0), since: before, [], at: now) == empty(0))
        #expect(last.believed(empty(0), since: before, [movie], at: now).isEmpty, "it would be taken")
    }

    @Test("A first reading that is empty, though there are lists and nothing was ever taken off, is none")
    func unshown() throws {
        let now = try #require(Timestamp("2026-11-20T20:00:00Z"))
        let (lately, before) = (now.advanced(by: .seconds(-59)), now.advanced(by: .seconds(-60)))
        let (listed, left) = (
            try stamps("1", lists: ["movies": "1"]), try stamps("1", lists: ["movies": "1"], removals: ["movies": "1"])
        )
        #expect(listed.whole([], doubtedAt: before, now: now) == .untrue("movies"))
        #expect(listed.whole([movie], doubtedAt: nil, now: now) == .shown)
        #expect(left.whole([], doubtedAt: nil, now: now) == .doubtful("movies"))
        #expect(left.whole([], doubtedAt: lately, now: now) == .doubtful("movies"))
        #expect(left.whole([], doubtedAt: before, now: now) == .shown, "said twice")
        #expect(left.whole([movie], doubtedAt: nil, now: now) == .shown)
        #expect(try stamps("1").whole([], doubtedAt: nil, now: now) == .shown)
        #expect(SimklStamps(stored: SimklStamps(doubtedAt: now).stored)?.doubtedAt == now)
    }

    @Test("Stamps come back from the database as they were; what are no activities is nothing")
    func stored() throws {
        let stamps = try stamps("1", lists: ["movies": "1", "anime": "2"], removals: ["shows": "3"])
        #expect(SimklStamps(stored: stamps.stored) == stamps)
        for text in ["null", "{}", "[]", #"{"all":"1"}"#] { #expect(SimklStamps(try value(text)) == nil, "\(text)") }
    }

    @Test(
        "Every documented library, activity and position is read",
        .enabled(if: ProcessInfo.processInfo.environment["REELAY_FIXTURES"] != nil, "REELAY_FIXTURES is not set"))
    func documented() throws {
        let root = URL(filePath: try #require(ProcessInfo.processInfo.environment["REELAY_FIXTURES"]))
            .appending(path: "simkl")
        func read(_ name: String) throws -> JSONValue {
            try value(String(contentsOf: root.appending(path: name), encoding: .utf8))
        }
        for number in 1...4 {
            let read = SimklRows.items(try read("doc-examples/sync_all_items_response200_\(number).json"))
            #expect(read?.items.isEmpty == false && read?.unreadable == 0, "\(number)")
        }
        let first = try #require(SimklRows.items(try read("doc-examples/sync_all_items_response200_1.json"))).items
        #expect(
            SimklRows.rows(first, .watchlist, .series).contains {
                guard case .listed(_, .onHold) = $0.value else { return false }
                return $0.item.ids.tvdb == 295_779
            })
        let mapped = try #require(SimklRows.items(try read("doc-examples/sync_all_items_response200_3.json"))).items
        #expect(SimklRows.rows(mapped, .history, .episode).count > 5)
        for name in ["doc-examples/sync_activities_response200_1.json", "doc-2026/get-activities.json"] {
            #expect(SimklStamps(try read(name)) != nil, "\(name)")
        }
        let positions = try read("doc-2026/get-playback-sessions.response.json")
        let episodes = try #require(SimklRows.positions(positions, .episode))
        #expect(episodes.map { "\($0.item.season ?? -1)x\($0.item.episode ?? -1)" } == ["1x5", "1x3"])
        #expect(SimklRows.positions(positions, .movie)?.map(\.item.ids.imdb) == ["tt1375666"])
        #expect(SimklRows.positions(try value("{}"), .movie) == nil)
    }
}
