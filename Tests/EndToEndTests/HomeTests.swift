import Foundation
import Stack
import Testing

/// Whole screens in one call.
@Suite(.stack, .serialized)
struct HomeTests {
    private func gateway() throws -> PublicClient {
        PublicClient(try #require(Stack.current).service("gateway").port)
    }

    /// The number of calls that the gateway has made to each internal method, except the event stream.
    private func calls() async throws -> [String: Int] {
        let port = try #require(Stack.current).service("gateway").adminPort
        let text = try await Wire.send("GET", "http://127.0.0.1:\(port)/metrics").text
        var calls: [String: Int] = [:]
        for line in text.split(separator: "\n") where line.hasPrefix("rpc_client_duration_seconds_count{") {
            guard let method = line.firstMatch(of: /method="([^"]+)"/)?.1, !method.hasPrefix("scrobble.events"),
                let count = line.split(separator: " ").last.flatMap({ Double($0) })
            else { continue }
            calls[String(method), default: 0] += Int(count)
        }
        return calls
    }

    private func title(_ client: PublicClient, _ imdb: String, kind: String = "movies") async throws -> String {
        let answer = try await client.send("POST", "/\(kind)/resolve", #"{"ids":{"imdb":"\#(imdb)"}}"#)
        return try #require(answer.json["id"] as? String, "\(answer.answer.text)")
    }

    private func rows(_ home: PublicClient.Answer, _ name: String) throws -> [[String: Any]] {
        try #require(home.json[name] as? [[String: Any]], "\(name): \(home.answer.text)")
    }

    private func ids(_ home: PublicClient.Answer, _ name: String) throws -> [String] {
        try rows(home, name).compactMap { ($0["title"] as? [String: Any])?["id"] as? String }
    }

    @Test("A start screen is one call, which makes eight others however much there is on it")
    func home() async throws {
        let client = try await gateway().registered("home-one")
        let empty = try await client.send("GET", "/home")
        #expect(empty.status == 200, "\(empty.answer.text)")
        for row in [
            "now_playing", "continue_watching", "next_episodes", "recently_watched", "watchlist", "recently_rated",
        ] {
            #expect(try rows(empty, row).isEmpty)
        }
        let film = try await title(client, "tt9100001")
        let other = try await title(client, "tt9100002")
        let show = try await title(client, "tt9100101", kind: "shows")
        let seasons = try await client.send("GET", "/shows/\(show)/seasons")
        let season = try #require(
            (seasons.json["items"] as? [[String: Any]])?.first { ($0["season_number"] as? Int) == 1 }?["id"] as? String)
        let episodes = try await client.send("GET", "/seasons/\(season)/episodes")
        let items = try #require(episodes.json["items"] as? [[String: Any]])
        let (first, second) = (try #require(items[0]["id"] as? String), try #require(items[1]["id"] as? String))

        #expect(try await client.send("POST", "/episodes/\(first)/watched", "{}").status == 200)
        // Takes the show's episodes over at once, which would come by itself after a while.
        #expect(try await client.send("GET", "/shows/\(show)/watched").status == 200)
        #expect(try await client.send("PUT", "/movies/\(other)/progress", #"{"percent":33}"#).status == 200)
        #expect(try await client.send("POST", "/movies/\(film)/rate", #"{"rating":8.5}"#).status == 200)
        #expect(try await client.send("POST", "/watchlist", #"{"items":[{"title":"\#(film)"}]}"#).status == 200)
        let before = try await calls()
        let quiet = try await client.send("GET", "/home")
        let after = try await calls()
        #expect(try ids(quiet, "continue_watching") == [other])
        #expect(try ids(quiet, "next_episodes") == [second], "\(quiet.answer.text)")
        #expect(try ids(quiet, "recently_watched") == [first])
        #expect(try ids(quiet, "watchlist") == [film] && ids(quiet, "recently_rated") == [film])
        let next = try #require(try rows(quiet, "next_episodes").first)
        #expect((next["series"] as? [String: Any])?["id"] as? String == show && next["episode_number"] as? Int == 2)
        let wanted = try #require(try rows(quiet, "watchlist").first)
        #expect((wanted["my_rating"] as? [String: Any])?["rating"] as? Double == 8.5)
        #expect((wanted["external_ratings"] as? [Any])?.isEmpty == false)
        #expect((quiet.json["unavailable"] as? [Any])?.isEmpty == true)
        let made = after.compactMapValues { $0 }.filter { before[$0.key] != $0.value }
        #expect(
            Set(made.keys) == [
                "scrobble.listPlayback", "scrobble.listGoingOn", "scrobble.listHistory", "scrobble.listShelf",
                "ratings.listRatings", "metadata.getTitles", "ratings.getRatings",
            ])
        #expect(made.reduce(0) { $0 + $1.value - (before[$1.key] ?? 0) } == 7)

        let started = try await client.send(
            "POST", "/playback/sessions", #"{"title":"\#(second)","progress_percent":5}"#)
        #expect(started.status == 201, "\(started.answer.text)")
        let middle = try await calls()
        let busy = try await client.send("GET", "/home?limit=50")
        let end = try await calls()
        let playing = try #require(try rows(busy, "now_playing").first)
        #expect((playing["title"] as? [String: Any])?["id"] as? String == second)
        #expect(
            (playing["series"] as? [String: Any])?["id"] as? String == show && playing["episode_number"] as? Int == 2)
        #expect(end.reduce(0) { $0 + $1.value } - middle.reduce(0) { $0 + $1.value } <= 8)
        #expect(try await client.send("GET", "/home?limit=51").json["code"] as? String == "invalidRequest")
    }

    @Test("Several titles come in the order asked for, each once, with what each is to me, in three calls")
    func batch() async throws {
        let client = try await gateway().loggedIn("home-one")
        let film = try await title(client, "tt9100001")
        let other = try await title(client, "tt9100002")
        let show = try await title(client, "tt9100101", kind: "shows")
        #expect(try await client.send("POST", "/movies/\(film)/watched", #"{"watched_on":"2026-11-01"}"#).status == 200)
        #expect(try await client.send("POST", "/collection", #"{"items":[{"title":"\#(other)"}]}"#).status == 200)
        #expect(try await client.send("POST", "/likes", #"{"items":[{"title":"\#(other)"}]}"#).status == 200)
        let nothing = "01920000-0000-7000-8000-00000000dead"
        let before = try await calls()
        let answer = try await client.send(
            "POST", "/titles/batch", #"{"titles":["\#(show)","\#(nothing)","\#(film)","\#(other)","\#(film)"]}"#)
        let after = try await calls()
        #expect(answer.status == 200, "\(answer.answer.text)")
        #expect(after.reduce(0) { $0 + $1.value } - before.reduce(0) { $0 + $1.value } == 3)
        let items = try #require(answer.json["items"] as? [[String: Any]])
        #expect(items.compactMap { $0["asked"] as? String } == [show, film, other])
        #expect(answer.json["unknown"] as? [String] == [nothing])
        let states = items.compactMap { $0["state"] as? [String: Any] }
        #expect(states.map { $0["plays"] as? Int } == [1, 1, 0], "\(answer.answer.text)")
        #expect(states.map { $0["on_watchlist"] as? Bool } == [false, true, false])
        #expect(states.map { $0["in_collection"] as? Bool } == [false, false, true])
        #expect(states.map { $0["is_liked"] as? Bool } == [false, false, true])
        #expect(states[2]["percent"] as? Double == 33 && states[1]["percent"] == nil)
        #expect((items[1]["my_rating"] as? [String: Any])?["rating"] as? Double == 8.5)
        #expect(
            try await client.send("POST", "/titles/batch", #"{"titles":[]}"#).json["code"] as? String
                == "invalidRequest")
        let many = Array(repeating: "\"\(film)\"", count: 101).joined(separator: ",")
        #expect(try await client.send("POST", "/titles/batch", "{\"titles\":[\(many)]}").status == 400)
    }

    @Test("A service that is away costs its rows, and not the screen")
    func away() async throws {
        let stack = try #require(Stack.current)
        let client = try await gateway().loggedIn("home-one")
        await (try stack.service("ratings")).kill()
        let home = try await client.send("GET", "/home")
        #expect(home.status == 200, "\(home.answer.text)")
        let parts = try #require(home.json["unavailable"] as? [String])
        #expect(Set(parts) == ["recently_rated", "scores"])
        #expect(try rows(home, "recently_rated").isEmpty && !rows(home, "watchlist").isEmpty)
        await (try stack.service("scrobble")).kill()
        let dark = try await client.send("GET", "/home")
        #expect(dark.status == 503 || dark.status == 504, "\(dark.answer.text)")
    }
}
