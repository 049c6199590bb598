import JSON
import MetadataService
import Testing

@Suite("TMDb's records", .enabled(if: Recordings.exist, Recordings.reason))
struct TMDbRecordingTests {
    private let mapping = TMDbMapping(fetchedAtMilliseconds: 7)

    @Test(
        "scores of whole records",
        arguments: [
            ("movie_603_matrix", SubjectKind.movie, "tmdb 7.9/10 79.00 9552"),
            ("movie_49521_manofsteel_external_ids", .movie, "tmdb 6.6/10 66.29 15242"),
            ("tv_1418_bigbang_external_ids", .series, "tmdb 7.9/10 79.00 11492"),
            ("tv_1399_gameofthrones", .series, "tmdb 8.3/10 83.00 9392"),
        ])
    func records(file: String, kind: SubjectKind, line: String) throws {
        let facts = try #require(mapping.title(Recordings.value("tmdb/\(file).json"), kind: kind))
        #expect(facts.scoreLines == [line])
        #expect(facts.scores.first?.via == .tmdb)
        #expect(facts.scores.first?.fetchedAtMilliseconds == 7)
    }

    @Test("found by a foreign id")
    func find() throws {
        let film = try Recordings.value("tmdb/find_imdb_tt0137523_fightclub.json")["movie_results"][0]
        let fightClub = try #require(mapping.title(film, kind: .movie))
        #expect(fightClub.scoreLines == ["tmdb 8.4/10 84.36 32615"])
        #expect(fightClub.ids.tmdb == 550)
        let row = try Recordings.value("tmdb/find_tvdb_81189_breakingbad.json")["tv_results"][0]
        let series = try #require(mapping.title(row, kind: .series))
        #expect(series.scoreLines == ["tmdb 8.9/10 89.48 18371"])
        #expect(series.name == "Breaking Bad")
    }

    @Test("a film in full")
    func film() throws {
        let record = try Recordings.value("tmdb/movie_49521_manofsteel_external_ids.json")
        let facts = try #require(mapping.title(record, kind: .movie))
        #expect(facts.ids == SubjectIDs(imdb: "tt0770828", tmdb: 49521, wikidata: "Q622769"))
        #expect(facts.name == "Man of Steel")
        #expect(facts.released?.iso == "2013-06-12")
        #expect(facts.runtimeMinutes == 143)
        #expect(facts.genres == ["Action", "Adventure", "Science Fiction"])
        #expect(facts.posterURL == "https://image.tmdb.org/t/p/w500/dksTL9NXc3GqPBRHYHcy1aIwjS.jpg")
        #expect(facts.originalLanguage == "en")
        #expect(facts.overview?.hasPrefix("A young boy learns") == true)
    }

    @Test("a series in full, with its seasons")
    func series() throws {
        let record = try Recordings.value("tmdb/tv_1418_bigbang_external_ids.json")
        let facts = try #require(mapping.title(record, kind: .series))
        #expect(facts.ids == SubjectIDs(imdb: "tt0898266", tmdb: 1418, tvdb: 80379, wikidata: "Q8539"))
        #expect(facts.released?.iso == "2007-09-24")
        #expect(facts.ended?.iso == "2019-05-16")
        #expect(facts.runtimeMinutes == 22)
        #expect(facts.children.count == 13)
        let specials = try #require(facts.children.first)
        #expect(specials.seasonNumber == 0)
        #expect(specials.scores.isEmpty)
        #expect(facts.children.last?.scoreLines == ["tmdb 7.2/10 72.00 -"])
    }

    @Test("an episode with its ids")
    func episode() throws {
        let record = try Recordings.value("tmdb/tv_1418_s07e05_external_ids.json")
        let facts = try #require(mapping.episode(record, series: 1418))
        #expect(facts.seasonNumber == 7)
        #expect(facts.episodeNumber == 5)
        #expect(facts.released?.iso == "2013-10-17")
        #expect(facts.ids.imdb?.hasPrefix("tt") == true)
        #expect(facts.seriesIDs.tmdb == 1418)
    }

    @Test("search rows: no votes are no rating, one vote carries its count, an empty date is none")
    func search() throws {
        let rows = try Recordings.value("tmdb/search_movie_manofsteel.json")["results"].array
        let facts = rows.compactMap { mapping.title($0, kind: .movie) }
        #expect(facts.count == rows.count)
        #expect(facts.filter(\.scores.isEmpty).count == 3)
        #expect(facts.first { $0.ids.tmdb == 685611 }?.scores.isEmpty == true)
        #expect(facts.filter { $0.scoreLines == ["tmdb 10.0/10 100.00 1"] }.count == 2)
        let matrix = try Recordings.value("tmdb/search_movie_matrix_1999.json")["results"].array
        let undated = matrix.compactMap { mapping.title($0, kind: .movie) }.filter { $0.released == nil }
        #expect(Set(undated.compactMap(\.ids.tmdb)) == [472854, 465940])
        #expect(try Recordings.value("tmdb/search_movie_empty.json")["results"].array.isEmpty)
    }

    @Test("every recording is read, whatever it is")
    func all() throws {
        let files = try Recordings.all("tmdb")
        #expect(files.count >= 18)
        for file in files {
            let value = try Recordings.value(file)
            let rows = [value] + value["results"].array + value["movie_results"].array + value["tv_results"].array
            let facts = rows.flatMap { row in SubjectKind.allCases.compactMap { read(row, as: $0) } }
            #expect(facts.allSatisfy { $0.quarantined.isEmpty }, "\(file)")
            #expect(facts.isEmpty == (file.contains("error") || file.contains("empty")), "\(file)")
        }
    }

    @Test("without any one member, or with one of another type, a record still reads")
    func tolerance() async throws {
        for (file, kind) in [
            ("movie_49521_manofsteel_external_ids", SubjectKind.movie), ("tv_1418_bigbang_external_ids", .series),
            ("tv_1418_s07e05_external_ids", .episode), ("find_imdb_tt0137523_fightclub", .movie),
        ] {
            let answer = try Recordings.tree("tmdb/\(file).json")
            let record = (answer["movie_results"].array.first ?? answer).shortened
            let neededCount = kind == .episode ? 2 : 1
            let without = record.withoutEachMember
            #expect(try without.filter { read(try $0.view, as: kind) == nil }.count == neededCount, "\(file)")
            for stranger in [JSONValue.null, "text", -1, true, [], [:]] as [JSONValue] {
                await Task.yield()
                let changed = record.withEachMember(replacedBy: stranger)
                #expect(
                    try changed.filter { read(try $0.view, as: kind) == nil }.count == neededCount,
                    "\(file), \(stranger)")
            }
        }
    }

    private func read(_ value: JSONView, as kind: SubjectKind) -> ProviderFacts? {
        switch kind {
        case .movie, .series: mapping.title(value, kind: kind)
        case .season: mapping.season(value, series: 1)
        case .episode: mapping.episode(value, series: 1)
        }
    }
}
