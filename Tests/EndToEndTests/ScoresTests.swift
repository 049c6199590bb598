import Foundation
import Stack
import Testing

/// A title's scores, and the reasons why some are missing, through the gateway with all eleven emulated providers.
@Suite(.stack, .serialized)
struct ScoresTests {
    private static let sources = [
        "imdb", "rotten_tomatoes_critics", "rotten_tomatoes_audience", "metacritic", "tmdb", "tvdb", "tvmaze", "trakt",
        "letterboxd", "simkl", "anilist", "anidb_permanent", "anidb_temporary", "myanimelist", "kitsu",
    ]

    /// The suite's only person, whichever test comes first.
    private func client() async throws -> PublicClient {
        let stack = try #require(Stack.current)
        let stranger = PublicClient(try stack.service("gateway").port)
        do { return try await stranger.loggedIn("scores") } catch { return try await stranger.registered("scores") }
    }

    private func sources(_ answer: PublicClient.Answer) -> [[String: Any]] {
        answer.json["external_ratings"] as? [[String: Any]] ?? []
    }

    @Test("a series that everybody rates shows all fifteen sources; one without says why; kinds are kept apart")
    func allSources() async throws {
        let client = try await client()
        let show = try await client.send("POST", "/shows/resolve", #"{"ids":{"imdb":"tt9100201"}}"#)
        #expect(show.status == 200, "\(show.answer.text)")
        let id = try #require(show.json["id"] as? String)
        #expect(sources(show).compactMap { $0["source"] as? String } == Self.sources)
        for score in sources(show) {
            let isPopularity = score["source"] as? String == "tvdb"
            #expect(score["status"] as? String == (isPopularity ? "popularity" : "fresh"), "\(score)")
            #expect(isPopularity ? score["score"] is NSNull : score["score"] is Double, "\(score)")
            #expect((score["name"] as? String)?.isEmpty == false && (score["value"] as? String)?.isEmpty == false)
        }
        #expect(show.json["certification"] as? String == "TV-14")

        let outcomes = try await client.send("GET", "/shows/\(id)/outcomes")
        let asked = outcomes.json["outcomes"] as? [[String: Any]] ?? []
        #expect(asked.count == 11 && asked.allSatisfy { $0["outcome"] as? String == "ok" }, "\(outcomes.answer.text)")
        #expect((outcomes.json["missing"] as? [Any])?.isEmpty == true)
        let history = try await client.send("GET", "/shows/\(id)/scores/history?limit=100")
        #expect((history.json["changes"] as? [Any])?.count == Self.sources.count)

        // The title is of another kind than the path says.
        for path in ["/movies/\(id)/outcomes", "/movies/\(id)/scores/history", "/seasons/\(id)/outcomes"] {
            let refused = try await client.send("GET", path)
            #expect(refused.status == 422 && refused.json["code"] as? String == "wrongKind", "\(path)")
        }

        // "Why no Rotten Tomatoes?"
        let film = try await client.send("POST", "/movies/resolve", #"{"ids":{"imdb":"tt9100003"}}"#)
        let filmID = try #require(film.json["id"] as? String)
        #expect(sources(film).allSatisfy { $0["source"] as? String != "rotten_tomatoes_critics" })
        let why = try await client.send("GET", "/movies/\(filmID)/outcomes")
        let missing = (why.json["missing"] as? [[String: Any]] ?? []).first {
            $0["source"] as? String == "rotten_tomatoes_critics"
        }
        #expect(
            (missing?["reason"] as? String)?.contains("OMDb has no Rotten Tomatoes") == true,
            "\(why.answer.text)")
    }

    @Test("an anime film of which only TMDb's id is given is rated at every place for anime, and by IMDb")
    func animeFilm() async throws {
        let film = try await client().send("POST", "/movies/resolve", #"{"ids":{"tmdb":910203}}"#)
        #expect(film.status == 200, "\(film.answer.text)")
        let shown = Set(sources(film).compactMap { $0["source"] as? String })
        #expect(
            shown.isSuperset(of: [
                "imdb", "tmdb", "anilist", "anidb_permanent", "anidb_temporary", "myanimelist", "kitsu",
            ]), "\(film.answer.text)")
    }

    @Test("every provider is listed with what is owed to it")
    func attribution() async throws {
        let client = try await client()
        let list = try await client.send("GET", "/sources")
        let rows = list.json["sources"] as? [[String: Any]] ?? []
        #expect(rows.count == 11, "\(list.answer.text)")
        for row in rows {
            #expect((row["attribution"] as? String)?.isEmpty == false, "\(row)")
            #expect((row["link"] as? String)?.hasPrefix("https://") == true, "\(row)")
            #expect(row["enabled"] as? Bool == true, "\(row)")
        }
        #expect(Set(rows.flatMap { $0["sources"] as? [String] ?? [] }) == Set(Self.sources))
    }
}
