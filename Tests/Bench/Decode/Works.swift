import Foundation
import FoundationXML
import JSON
import MetadataService
import UpstreamEmulators

/// The workloads: one answer per provider, read by us into facts and by Foundation into values with the same members.
struct Works {
    struct Work {
        let name: String
        let bytes: Int
        /// Returns a number derived from the result, so that no work is optimized away.
        let ours: () throws -> Int
        let foundation: () throws -> Int
    }

    static func all(folder: String) async throws -> [Work] {
        let tmdb = TMDbMapping(fetchedAtMilliseconds: 7)
        let tvdb = TVDbMapping(fetchedAtMilliseconds: 7)
        let tvmaze = TVmazeMapping(fetchedAtMilliseconds: 7)
        let omdb = OMDbMapping(fetchedAtMilliseconds: 7)
        let trakt = TraktMapping(fetchedAtMilliseconds: 7)
        let letterboxd = LetterboxdMapping(fetchedAtMilliseconds: 7)
        let simkl = SimklMapping(fetchedAtMilliseconds: 7)
        let anilist = AniListMapping(fetchedAtMilliseconds: 7)
        let mal = MyAnimeListMapping(fetchedAtMilliseconds: 7)
        let kitsu = KitsuMapping(fetchedAtMilliseconds: 7)
        let read = { (name: String) in try Data(contentsOf: URL(filePath: "\(folder)/\(name)")) }
        return [
            json("tmdb", try largest(folder, "tmdb"), TMDbMapping.members, Peers.TMDb.self) {
                facts(tmdb.title($0, kind: .series))
            },
            json("tvdb", try read("tvdb/series_79509_daybreak_data.json"), TVDbMapping.members, Peers.TVDb.self) {
                facts(tvdb.title($0, kind: .series))
            },
            json("tvmaze", try largest(folder, "tvmaze"), TVmazeMapping.members, [Peers.TVmaze].self) {
                $0.array.reduce(0) { $0 + facts(tvmaze.show($1["show"])) }
            },
            json("omdb", try largest(folder, "omdb"), OMDbMapping.members, Peers.OMDb.self) {
                $0["Search"].array.reduce(0) { $0 + facts(omdb.title($1)) }
            },
            json("trakt", try largest(folder, "trakt"), TraktMapping.members, [Peers.Trakt].self) {
                $0.array.reduce(0) { $0 + facts(trakt.title($1["movie"], kind: .movie)) }
            },
            json("letterboxd", try await letterboxdFilm(), LetterboxdMapping.members, Peers.Letterboxd.self) {
                facts(letterboxd.film($0, kind: .movie))
            },
            json("simkl", try largest(folder, "simkl"), SimklMapping.members, Peers.Simkl.self) {
                facts(simkl.title($0, kind: .movie))
            },
            json("anilist", try largest(folder, "anilist"), AniListMapping.members, Peers.AniList.self) {
                facts(anilist.entry($0["data"]["Media"], as: .series))
            },
            try xml("anidb", try largest(folder, "anidb")),
            json("myanimelist", try largest(folder, "mal"), MyAnimeListMapping.members, Peers.MyAnimeList.self) {
                facts(mal.entry($0, as: .series))
            },
            json(
                "kitsu", try read("kitsu/anime_1_cowboybebop_include.json"), KitsuMapping.members, Peers.Kitsu.self
            ) {
                facts(kitsu.entry($0["data"][0], included: $0["included"].array, as: .series))
            },
        ]
    }

    private static func facts(_ facts: ProviderFacts?) -> Int { facts == nil ? 0 : 1 }

    private static func largest(_ folder: String, _ provider: String) throws -> Data {
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(provider)")
        let bodies = try files.map { try Data(contentsOf: URL(filePath: "\(folder)/\(provider)/\($0)")) }
        guard let body = bodies.max(by: { $0.count < $1.count }) else {
            throw BenchError("no recording of \(provider)")
        }
        return body
    }

    /// No real answers of Letterboxd have been published, so this is the emulator's film, which follows the
    /// documentation.
    private static func letterboxdFilm() async throws -> Data {
        let emulator = LetterboxdEmulator(catalogue: .standard)
        let form =
            "grant_type=client_credentials&client_id=\(LetterboxdEmulator.clientID)"
            + "&client_secret=\(LetterboxdEmulator.clientSecret)"
        let token = await emulator.answer(
            UpstreamRequest(
                provider: .letterboxd, method: "POST", path: "/api/v0/auth/token", query: [], headers: [],
                body: Array(form.utf8)))
        let bearer = try decodeJSON(JSONValue.self, from: token.body)["access_token"].string ?? ""
        let film = await emulator.answer(
            UpstreamRequest(
                provider: .letterboxd, method: "GET", path: "/api/v0/film/nkrl", query: [],
                headers: [WireField("authorization", "Bearer \(bearer)")], body: []))
        guard film.status == 200 else { throw BenchError("the emulator has no such film") }
        return Data(film.body)
    }

    private static func json<Peer: Decodable>(
        _ name: String, _ data: Data, _ members: JSONSelection, _ peer: Peer.Type, read: @escaping (JSONView) -> Int
    ) -> Work {
        let bytes = Array(data)
        let decoder = JSONDecoder()
        return Work(name: name, bytes: bytes.count) {
            read(try viewJSON(keeping: members, of: bytes))
        } foundation: {
            _ = try decoder.decode(peer, from: data)
            return 1
        }
    }

    /// Foundation's parser, with a delegate that only counts.
    private static func xml(_ name: String, _ data: Data) throws -> Work {
        let bytes = Array(data)
        let mapping = AniDBMapping(fetchedAtMilliseconds: 7)
        return Work(name: name, bytes: bytes.count) {
            guard case .anime(let reader) = try AniDBAnswer.content(bytes) else { return 0 }
            return facts(try mapping.entry(reader, as: .series))
        } foundation: {
            let parser = XMLParser(data: data)
            let delegate = CountingDelegate()
            parser.delegate = delegate
            guard parser.parse() else { throw BenchError("Foundation cannot read it") }
            return delegate.count
        }
    }
}

private final class CountingDelegate: NSObject, XMLParserDelegate {
    var count = 0

    func parser(
        _ parser: XMLParser, didStartElement elementName: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) { count += 1 }
}
