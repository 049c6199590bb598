import JSON
import MetadataService
import Testing

@Suite("OMDb's records", .enabled(if: Recordings.exist, Recordings.reason))
struct OMDbRecordingTests {
    private let mapping = OMDbMapping(fetchedAtMilliseconds: 7)

    @Test(
        "scores",
        arguments: [
            (
                "i_tt0133093_matrix",
                ["imdb 8.7/10 87.00 2124695", "rotten_tomatoes_critics 83% 83.00 -", "metacritic 73/100 73.00 -"]
            ),
            ("i_tt0944947_gameofthrones", ["imdb 9.2/10 92.00 2370839"]),
            (
                "i_tt0133093_matrix_no_ratings_array_old",
                ["imdb 8.7/10 87.00 1093816", "metacritic 73/100 73.00 -"]
            ),
        ])
    func scores(file: String, lines: [String]) throws {
        let facts = try #require(mapping.title(Recordings.value("omdb/\(file).json")))
        #expect(facts.scoreLines == lines)
        #expect(facts.scores.allSatisfy { $0.via == .omdb })
    }

    @Test("a film in full")
    func film() throws {
        let facts = try #require(mapping.title(Recordings.value("omdb/i_tt0133093_matrix.json")))
        #expect(facts.kind == .movie)
        #expect(facts.ids == SubjectIDs(imdb: "tt0133093"))
        #expect(facts.name == "The Matrix")
        #expect(facts.released?.iso == "1999-03-31")
        #expect(facts.ended == nil)
        #expect(facts.runtimeMinutes == 136)
        #expect(facts.genres == ["Action", "Sci-Fi"])
        #expect(facts.certification == "R")
        #expect(facts.posterURL?.hasPrefix("https://m.media-amazon.com/") == true)
    }

    @Test("a series: years with an en dash")
    func series() throws {
        let facts = try #require(mapping.title(Recordings.value("omdb/i_tt0944947_gameofthrones.json")))
        #expect(facts.kind == .series)
        #expect(facts.released?.iso == "2011-04-17")
        #expect(facts.ended?.iso == "2019")
        #expect(facts.certification == "TV-MA")
    }

    @Test("search rows: games are left out, N/A is nothing, an open range has no end")
    func search() throws {
        let rows = try Recordings.value("omdb/search_manofsteel_2013.json")["Search"].array
        let facts = rows.compactMap { mapping.title($0) }
        #expect(rows.count == 10)
        #expect(facts.count == 9)
        #expect(facts.filter { $0.posterURL == nil }.count == 6)
        let dallas = try Recordings.value("omdb/search_series_dallas_page2.json")["Search"].array
        let open = try #require(mapping.title(dallas[0]))
        #expect(open.released?.iso == "2011")
        #expect(open.ended == nil)
        let matrix = try Recordings.value("omdb/search_matrix_rows_only.json").array
        #expect(matrix.compactMap { mapping.title($0) }.count == 5)
    }

    @Test("not found is a failure with status 200")
    func notFound() throws {
        let answer = ProviderHTTPAnswer(status: 200, body: try Recordings.bytes("omdb/error_not_found.json"))
        #expect(throws: ProviderError.notFound) { try OMDbAnswer.checked(answer, nowMilliseconds: 0) }
    }

    @Test("every recording is read, whatever it is")
    func all() throws {
        let files = try Recordings.all("omdb")
        #expect(files.count >= 9)
        for file in files {
            let value = try Recordings.value(file)
            let facts = ([value] + value["Search"].array + value.array).compactMap { mapping.title($0) }
            #expect(facts.isEmpty == file.contains("error"), "\(file)")
            #expect(facts.allSatisfy { $0.quarantined.isEmpty }, "\(file)")
        }
    }

    @Test("without any one member, or with one of another type, a record still reads")
    func tolerance() async throws {
        for file in ["i_tt0133093_matrix", "i_tt0944947_gameofthrones", "i_tt0133093_matrix_no_ratings_array_old"] {
            let record = try Recordings.tree("omdb/\(file).json")
            let without = record.withoutEachMember
            #expect(
                try without.filter { mapping.title(try $0.view) == nil }.count == 1, "only the id is needed: \(file)")
            for stranger in [JSONValue.null, "N/A", 17, true, [], [:]] as [JSONValue] {
                await Task.yield()
                let changed = record.withEachMember(replacedBy: stranger)
                let refused = try changed.filter { mapping.title(try $0.view) == nil }.count
                #expect(refused == 1, "\(file) with \(stranger)")
            }
        }
    }
}
