import Contracts
import Foundation
import JSON
import Testing

@testable import ScrobbleService

/// Every recording of Trakt's own lists, checked against the code that reads them.
@Suite struct TraktRecordingsTests {
    private static let folder = ProcessInfo.processInfo.environment["REELAY_FIXTURES"].map { "\($0)/trakt/" }

    private static func json(_ name: String) throws -> JSONValue {
        let url = URL(fileURLWithPath: try #require(folder) + name)
        return try decodeJSON(JSONValue.self, from: Array(try Data(contentsOf: url)))
    }

    /// Returns the GET responses in a recording that are lists, with their headers.
    private static func answers(_ name: String) throws -> [(uri: String, headers: JSONValue, rows: [JSONValue])] {
        try json(name).array.compactMap { exchange in
            let (request, response) = (exchange["request"], exchange["response"])
            guard request["method"].string == "GET", case .array(let rows) = response["body"] else { return nil }
            return (request["uri"].string ?? "", response["headers"], rows)
        }
    }

    private static func kind(_ row: JSONValue) -> TitleKind {
        switch row["type"].string {
        case "movie": .movie
        case "show": .series
        case "season": .season
        case "episode": .episode
        default:
            row["episode"].object != nil
                ? .episode : row["season"].object != nil ? .season : row["movie"].object != nil ? .movie : .series
        }
    }

    @Test(
        "Rows of every list are understood, whoever recorded them",
        .enabled(if: folder != nil, "REELAY_FIXTURES does not say where the recordings are"),
        arguments: [
            ("traktkit/Sync_test_get_watched_history.json", SyncFacet.history, 3),
            ("traktpy/sync_history.json", .history, 3),
            ("traktpy/sync_history_movies.json", .history, 25), ("traktpy/sync_history_shows.json", .history, 25),
            ("traktpy/users_me_history.json", .history, 1),
            ("traktkit/Users_test_get_user_watched_history.json", .history, 1),
            ("traktkit/Sync_test_get_ratings.json", .ratings, 2),
            ("traktkit/Users_test_get_user_ratings.json", .ratings, 1),
            ("traktpy/sync_ratings.json", .ratings, 4), ("traktpy/sync_ratings_movies.json", .ratings, 2),
            ("traktpy/sync_ratings_movies_8.json", .ratings, 1), ("traktpy/sync_ratings_shows.json", .ratings, 5),
            ("traktpy/sync_ratings_seasons.json", .ratings, 2), ("traktpy/sync_ratings_episodes.json", .ratings, 6),
            ("traktpy/users_me_ratings.json", .ratings, 1), ("traktkit/Sync_test_get_watchlist.json", .watchlist, 2),
            ("traktkit/Users_test_get_user_watchlist.json", .watchlist, 1),
            ("traktpy/sync_watchlist.json", .watchlist, 4),
            ("traktpy/sync_watchlist_movies.json", .watchlist, 1), ("traktpy/users_me_watchlist.json", .watchlist, 1),
            ("traktkit/Sync_test_get_collection.json", .collection, 2),
            ("traktpy/sync_collection_movies.json", .collection, 2),
            ("traktkit/Sync_test_get_playback_progress.json", .progress, 2),
            ("traktpy/sync_playback.json", .progress, 2),
            ("traktpy/sync_playback_movies.json", .progress, 2), ("traktpy/sync_playback_episodes.json", .progress, 9),
        ])
    func rows(name: String, facet: SyncFacet, atLeast: Int) throws {
        let rows = try Self.json(name).array
        #expect(rows.count >= atLeast)
        // Watchlists once contained people; a list requested by kind of title has none.
        for row in rows where row["type"].string != "person" {
            let kind = Self.kind(row)
            let read = try #require(TraktRows.row(row, facet, kind), "\(row)")
            #expect(read.item.number > 0 || kind == .season)
            if kind == .episode { #expect(read.item.season != nil && read.item.episode != nil) }
            if kind == .season { #expect(read.item.season != nil && read.item.series?.trakt != nil) }
        }
    }

    @Test(
        "Answers of the real Trakt from 2017 to 2026, with their pages",
        .enabled(if: folder != nil, "REELAY_FIXTURES does not say where the recordings are"),
        arguments: [
            ("recorded/flexget_sync_history_movies_pagination.json", SyncFacet.history),
            ("recorded/flexget_sync_watchlist_add_episode.json", .watchlist),
            ("recorded/flexget_sync_watchlist_add_show.json", .watchlist),
            ("recorded/flexget_sync_watchlist_remove.json", .watchlist),
            ("recorded/flexget_users_watchlist_movies.json", .watchlist),
            ("recorded/flexget_users_collection_movies.json", .collection),
            ("recorded/flexget_users_ratings_movies.json", .ratings),
            ("recorded/flexget_users_ratings_shows.json", .ratings),
            ("recorded/flexget_users_ratings_seasons.json", .ratings),
            ("recorded/flexget_users_ratings_episodes.json", .ratings),
            ("recorded/trakt_r_user_user_ratings_basic.json", .ratings),
            ("recorded/trakt_r_user_collection_basic.json", .collection),
        ])
    func recorded(name: String, facet: SyncFacet) throws {
        let answers = try Self.answers(name)
        #expect(!answers.isEmpty)
        for answer in answers where !answer.uri.hasSuffix("collection/shows") {
            for row in answer.rows {
                let read = try #require(TraktRows.row(row, facet, Self.kind(row)), "\(row)")
                if case .collected(let details, let at) = read.value {
                    #expect(at != nil)
                    // The media details map to known values, so that sending them again changes nothing.
                    let value = CollectedValue(details)
                    #expect(CollectedValue(stored: value.stored) == value)
                    #expect(
                        value.details.mediaType == details.mediaType && value.details.resolution == details.resolution)
                }
            }
            func number(_ field: String) -> Int? {
                for spelling in ["X-Pagination-\(field)", "x-pagination-\(field.lowercased())"] {
                    if let text = answer.headers[spelling].string { return Int(text) }
                }
                return nil
            }
            guard let items = number("Item-Count"), let pages = number("Page-Count") else { continue }
            var tally = PageTally()
            tally.add(
                PageTally.Page(
                    number: number("Page") ?? 1, rowCount: answer.rows.count, limit: number("Limit"), pageCount: pages,
                    itemCount: items))
            // A page that is not the last proves nothing; the whole list does.
            #expect((tally.doubt == nil) == (answer.rows.count == items), "\(answer.uri)")
            #expect(tally.wantsMore == (pages > 1))
        }
    }

    @Test(
        "The activities say when each list has moved, old answers with fewer of them",
        .enabled(if: folder != nil, "REELAY_FIXTURES does not say where the recordings are"))
    func activities() throws {
        let old = TraktRows.activities(try Self.json("traktkit/Sync_test_get_last_activity.json"), clockSkew: nil)
        #expect(old.stamp(.history, .movie) == "2014-11-19T21:42:41.000Z")
        for (facet, kinds) in RemoteShape.trakt.kinds {
            for kind in kinds { #expect(!old.stamp(facet, kind).isEmpty, "\(facet) \(kind)") }
        }
        let other = TraktRows.activities(
            try Self.json("pytrakt_sync.json")["sync/last_activities"]["GET"], clockSkew: .seconds(1))
        #expect(!other.stamp(.progress, .episode).isEmpty && other.stamp(.collection, .series).isEmpty)
        #expect(TraktRows.activities(.null, clockSkew: nil).stamp(.ratings, .season).isEmpty)
    }

    @Test("The time there is read from the header that says it")
    func dates() {
        #expect(TraktAnswer.date("Sun, 06 Nov 1994 08:49:37 GMT") == Timestamp("1994-11-06T08:49:37Z"))
        for text in [
            "", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Nix 1994 08:49:37 GMT",
        ] {
            #expect(TraktAnswer.date(text) == nil)
        }
    }
}
