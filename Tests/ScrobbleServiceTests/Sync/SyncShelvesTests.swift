import Contracts
import JSON
import Postgres
import Store
import TestSupport
import Testing
import UpstreamEmulators

@testable import ScrobbleService

/// Watchlist, collection and progress: whole syncs with the emulated Trakt.
@Suite struct SyncShelvesTests {
    private static let both = FacetPolicy(direction: .both)

    @Test("Watchlist: both get what the other has; removals travel; the second sync costs one call")
    func watchlist() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: .off, .watchlist: Self.both])
            try await test.list(1, .movie)
            try await test.list(5, .series)
            try await test.there(
                "sync/watchlist", #"{"movies":[{"ids":{"trakt":2}},{"ids":{"trakt":3}}],"shows":[{"ids":{"trakt":6}}]}"#
            )
            let first = try await test.sync()
            #expect(first.state == .done && first.done == 5 && first.failed == 0)
            #expect(try await test.listed() == [1, 2, 3, 5, 6])
            #expect(test.shelfThere("watchlist") == ["movie 1", "movie 2", "movie 3", "show 5", "show 6"])
            _ = try await test.sync()
            try await test.letLagEnd()
            let before = test.lastCall
            let idle = try await test.sync()
            #expect(idle.changesHere == 0 && idle.changesThere == 0)
            #expect(test.calls(after: before) == ["GET /sync/last_activities"])

            try await test.unlist([1, 5])
            try await test.there("sync/watchlist/remove", #"{"movies":[{"ids":{"trakt":2}}]}"#)
            let run = try await test.sync()
            #expect(run.done == 3)
            #expect(try await test.listed() == [3, 6])
            #expect(test.shelfThere("watchlist") == ["movie 3", "show 6"])
        }
    }

    private static func statuses(_ test: SyncTest) async throws -> [Int: WishStatus] {
        let items = try await test.shelves.page(
            of: test.user, as: WatchlistDetails.self, after: .newest, kinds: nil, limit: 100,
            until: QueueTest.deadline())
        return Dictionary(
            uniqueKeysWithValues: items.map { (NeighbourBook.number($0.item.title), $0.item.details.status) })
    }

    @Test(
        "What was laid aside or given up here before both met is no wish again because it is one at Trakt; a later wish is"
    )
    func laidAside() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: .off, .watchlist: Self.both])
            let longAgo = try #require(Timestamp("2020-01-01T00:00:00Z"))
            try await test.put(1, .movie, WatchlistDetails(status: .dropped), at: longAgo)
            try await test.put(2, .movie, WatchlistDetails(status: .onHold))
            try await test.put(6, .series, WatchlistDetails(note: "too long", status: .dropped), at: longAgo)
            try await test.list(3, .movie)
            try await test.there(
                "sync/watchlist",
                #"{"movies":[{"ids":{"trakt":1}},{"ids":{"trakt":2}},{"ids":{"trakt":4}}],"shows":[{"ids":{"trakt":6}}]}"#
            )
            for _ in 0..<3 {
                let run = try await test.sync()
                #expect(run.state == .done && run.failed == 0, "\(run)")
                #expect(
                    try await Self.statuses(test) == [
                        1: .dropped, 2: .onHold, 3: .planToWatch, 4: .planToWatch, 6: .dropped,
                    ])
                #expect(test.shelfThere("watchlist") == ["movie 1", "movie 2", "movie 3", "movie 4", "show 6"])
                try await test.letLagEnd()
                try await test.readEverything()
            }
            // Wanted again here, both sides have it; dropped again, it is removed there.
            try await test.put(1, .movie, WatchlistDetails())
            let same = try await test.sync()
            #expect(same.changesHere == 0 && same.changesThere == 0, "\(same)")
            try await test.letLagEnd()
            try await test.put(1, .movie, WatchlistDetails(status: .dropped))
            try await test.sync()
            try await test.letLagEnd()
            #expect(test.shelfThere("watchlist") == ["movie 2", "movie 3", "movie 4", "show 6"])
            // Both sides are in sync by now: a title listed there after it was dropped here is wanted.
            try await test.put(9, .movie, WatchlistDetails(status: .dropped), at: longAgo)
            try await test.there("sync/watchlist", #"{"movies":[{"ids":{"trakt":9}},{"ids":{"trakt":10}}]}"#)
            try await test.put(10, .movie, WatchlistDetails(status: .dropped))
            try await test.sync()
            #expect(
                try await Self.statuses(test) == [
                    1: .dropped, 2: .onHold, 3: .planToWatch, 4: .planToWatch, 6: .dropped, 9: .planToWatch,
                    10: .dropped,
                ])
        }
    }

    @Test("What Trakt takes off the watchlist because it was watched stays here, and is not sent again")
    func letGo() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: Self.both, .watchlist: Self.both])
            for number in [11, 12, 13] { try await test.list(number, .movie) }
            try await test.list(1, .series)
            try await test.there("sync/watchlist", #"{"movies":[{"ids":{"trakt":14}}]}"#)
            try await test.sync()
            try await test.letLagEnd()
            #expect(test.shelfThere("watchlist").count == 5)
            // One watched there; one watched here, long ago by its date, and sent by the sync; and one simply removed.
            try await test.there(
                "sync/history", #"{"movies":[{"ids":{"trakt":11},"watched_at":"2019-01-01T20:00:00.000Z"}]}"#)
            try await test.there("sync/history", #"{"episodes":[{"ids":{"trakt":77}}]}"#)
            try await test.play(12, at: "2018-05-05T20:00:00Z")
            try await test.there("sync/watchlist/remove", #"{"movies":[{"ids":{"trakt":13}}]}"#)
            for _ in 0..<4 {
                try await test.sync()
                try await test.letLagEnd()
            }
            #expect(test.shelfThere("watchlist") == ["movie 14"])
            #expect(try await test.listed() == [1, 11, 12, 14], "what was only removed is gone here too")
            #expect(try await test.listed(.series) == [1], "with its first episode a show leaves too")
            // Put back there, it is a wish again, and removing it counts as well.
            try await test.there("sync/watchlist", #"{"movies":[{"ids":{"trakt":11}}]}"#)
            try await test.sync()
            try await test.letLagEnd()
            try await test.unlist([11])
            try await test.sync()
            #expect(test.shelfThere("watchlist") == ["movie 14"])
        }
    }

    @Test("Collection: with media details both ways; what Trakt has no words for stays here; a show is no item there")
    func collection() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: .off, .collection: Self.both])
            let at = try #require(Timestamp("2024-05-06T07:08:09Z"))
            try await test.collect(
                1, .movie, CollectionDetails(mediaType: "bluray", resolution: "uhd_4k", audio: "auro_11"), at: at)
            try await test.collect(9, .series, CollectionDetails(mediaType: "dvd"), at: at)
            try await test.there(
                "sync/collection",
                #"{"movies":[{"ids":{"trakt":2},"collected_at":"2020-02-03T04:05:06.000Z","media_type":"digital","hdr":"hdr10","3d":true}],"episodes":[{"ids":{"trakt":30}}]}"#
            )
            let first = try await test.sync()
            #expect(first.state == .done && first.done == 3 && first.failed == 0)
            #expect(test.shelfThere("collection") == ["movie 1", "movie 2", "episode 30"].sorted())
            let here = try await test.collected()
            #expect(here[2]?.details == CollectionDetails(mediaType: "digital", hdr: "hdr10", is3D: true))
            #expect(here[2]?.at == Timestamp("2020-02-03T04:05:06Z"))
            let there = try #require(test.trakt.row("collection", "movie", "1", of: test.account))
            #expect(there["collected_at"].string == "2024-05-06T07:08:09Z")
            #expect(there["metadata"]["media_type"].string == "bluray" && there["metadata"]["audio"].isNull)
            _ = try await test.sync()
            try await test.letLagEnd()
            let idle = try await test.sync()
            #expect(idle.changesHere == 0 && idle.changesThere == 0)

            try await test.collect(2, .movie, CollectionDetails(mediaType: "digital", resolution: "hd_1080p"), at: at)
            try await test.there("sync/collection", #"{"movies":[{"ids":{"trakt":1},"media_type":"dvd"}]}"#)
            try await test.there("sync/collection/remove", #"{"episodes":[{"ids":{"trakt":30}}]}"#)
            let run = try await test.sync()
            #expect(run.done == 3 && run.failed == 0)
            let after = try await test.collected()
            #expect(after[1]?.details == CollectionDetails(mediaType: "dvd", audio: "auro_11"))
            #expect(after[30] == nil && after[9] != nil)
            let replaced = try #require(test.trakt.row("collection", "movie", "2", of: test.account))
            #expect(
                replaced["metadata"]["resolution"].string == "hd_1080p" && replaced["metadata"]["hdr"].isNull)
        }
    }

    @Test("Progress comes in, the later place stays, and nothing is told by a sync")
    func progress() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: .off, .progress: Self.both])
            try await test.there("scrobble/pause", #"{"movie":{"ids":{"trakt":1}},"progress":32.5}"#)
            try await test.there("scrobble/stop", #"{"episode":{"ids":{"trakt":30}},"progress":55}"#)
            try await test.stopAt(2, 70, at: SystemWallClock().now)
            let before = test.lastCall
            let run = try await test.sync()
            #expect(run.state == .done && run.changesHere == 2 && run.changesThere == 0)
            #expect(try await test.places() == [1: 32.5, 2: 70, 30: 55])
            #expect(test.calls(after: before).allSatisfy { $0.hasPrefix("GET ") })
            try await test.letLagEnd()
            try await test.there("scrobble/pause", #"{"movie":{"ids":{"trakt":1}},"progress":60.25}"#)
            try await test.there("scrobble/start", #"{"episode":{"ids":{"trakt":30}},"progress":56}"#)
            try await test.sync()
            // Kept to one decimal; a position forgotten there has not been removed.
            #expect(try await test.places() == [1: 60.3, 2: 70, 30: 55])
        }
    }

    @Test("A scrobble that Trakt refuses to take twice is the play it has; nothing is doubled on either side")
    func repeated() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: Self.both])
            test.trakt.behaveQuickly { $0.repeatSeconds = 7_200 }
            // Reported by another player, an hour ago by its clock.
            try await test.there("scrobble/stop", #"{"movie":{"ids":{"trakt":1}},"progress":95}"#)
            test.trakt.backdate(by: 3_600)
            try await test.scrobble(1)
            #expect(test.trakt.plays.count == 1)
            for _ in 0..<3 {
                try await test.letLagEnd()
                let run = try await test.sync()
                #expect(run.changesHere == 0 && run.changesThere == 0)
            }
            #expect(test.trakt.plays.count == 1)
            let here = try await test.store.plays(of: test.user, until: QueueTest.deadline())
            #expect(here.count == 1)
        }
    }

    @Test("Of 250 plays in one go none travels with more than 99 others; those that Trakt does not know are named")
    func bulk() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: Self.both])
            for number in 0..<250 { try await test.play(number, at: "2020-01-01T20:00:00Z") }
            let run = try await test.sync()
            // The emulated Trakt does not know the number 0, and the title has no other id.
            #expect(run.done == 249 && run.failed == 1)
            let failed = try await test.changes(run).filter { $0.state == .failed }
            #expect(failed.map { NeighbourBook.number($0.title) } == [0])
            #expect(failed.first?.reason == "Trakt does not know the title")
            #expect(test.trakt.plays.count == 249)
            let sizes = test.bodies("POST", "/sync/history").map { $0["movies"].array.count }
            #expect(sizes.allSatisfy { $0 <= 100 } && sizes.reduce(0, +) == 250 && sizes.count == 3)
            try await test.letLagEnd()
            let again = try await test.sync()
            #expect(again.changesThere == 0, "what it does not know is not tried again")
        }
    }

    @Test("A title that Trakt does not know under its first id is found under another, which is tried once")
    func otherIDs() async throws {
        try await SyncTest.run(ids: { number in
            number < 10
                ? ExternalIds(imdb: "tt000000\(number)", trakt: 0) : ExternalIds(imdb: "tt0000000", trakt: 0)
        }) { test in
            try await test.want([.history: .off, .watchlist: Self.both])
            for number in [1, 2, 10] { try await test.list(number, .movie) }
            test.trakt.forget(imdb: "tt0000000")
            let run = try await test.sync()
            #expect(run.done == 2 && run.failed == 1)
            #expect(test.bodies("POST", "/sync/watchlist").map { $0["movies"].array.count } == [3, 3])
        }
    }

    @Test("One item that breaks Trakt is found by halving; all others arrive, and none twice")
    func halving() async throws {
        var limits = QueueTest.quick
        limits.brokenFor = .milliseconds(1)
        try await SyncTest.run(queue: limits) { test in
            try await test.want([.history: .off, .watchlist: Self.both])
            for number in 1...64 { try await test.list(number, .movie) }
            test.trakt.breakOn(number: 23)
            let id = try #require(
                try await test.store.open(
                    test.lane, isDry: false, confirms: nil, at: SystemWallClock().now, until: QueueTest.deadline()))
            await test.worker().turn()
            try await test.deliver()
            #expect(test.shelfThere("watchlist").count == 63)
            let sizes = test.bodies("POST", "/sync/watchlist").map { $0["movies"].array.count }
            #expect(sizes.first == 64 && sizes.contains(1))
            let run = try await test.run(id)
            #expect(run.done == 63 && run.failed == 1 && run.waiting == 0)
        }
    }
}
