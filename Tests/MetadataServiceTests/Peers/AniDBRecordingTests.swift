import Foundation
import MetadataService
import TestSupport
import Testing

@Suite("AniDB's records", .enabled(if: Recordings.exist, Recordings.reason))
struct AniDBRecordingTests {
    private let mapping = AniDBMapping(fetchedAtMilliseconds: 7)

    private func entry(_ body: [UInt8]) throws -> ProviderFacts? {
        guard case .anime(let reader) = try AniDBAnswer.content(body) else { return nil }
        return try mapping.entry(reader, as: .series)
    }

    @Test(
        "both means with the votes that belong to them",
        arguments: [
            ("anime_22_evangelion", "7.86/10 78.60 16535", "8.24/10 82.40 16920"),
            ("anime_959", "8.22/10 82.20 12533", "8.55/10 85.50 12730"),
            ("anime_1_seikai", "8.17/10 81.70 4303", "8.26/10 82.60 4333"),
            ("anime_series2", "7.64/10 76.40 2674", "7.98/10 79.80 2694"),
        ])
    func scores(file: String, permanent: String, temporary: String) throws {
        let facts = try #require(try entry(Recordings.bytes("anidb/\(file).xml")))
        #expect(facts.scoreLines == ["anidb_permanent \(permanent)", "anidb_temporary \(temporary)"])
    }

    @Test("a record in full")
    func record() throws {
        let facts = try #require(try entry(Recordings.bytes("anidb/anime_22_evangelion.xml")))
        #expect(facts.ids == SubjectIDs(anidb: 22, myanimelist: 30))
        #expect(facts.name == "Neon Genesis Evangelion")
        #expect(facts.originalName == "新世紀エヴァンゲリオン")
        #expect(facts.otherNames.contains("Shinseiki Evangelion"))
        #expect(!facts.otherNames.contains("eva"))
        #expect(facts.released?.iso == "1995-10-04")
        #expect(facts.ended?.iso == "1996-03-27")
        #expect(facts.posterURL == "https://cdn.anidb.net/images/main/133461.jpg")
        #expect(facts.children.count == 26)
        #expect(facts.children.map(\.episodeNumber) == Array(1...26))
        #expect(facts.children.first?.name == "Angel Attack!")
        #expect(facts.children.first?.scoreLines == ["anidb_permanent 5.50/10 55.00 59"])
        #expect(facts.children.allSatisfy { $0.seasonNumber == nil })
        #expect(facts.runtimeMinutes == 25)
        #expect(facts.isAnime == true)
        #expect(facts.overview?.contains("http://anidb.net") == false)
    }

    @Test("failures with status 200")
    func failures() throws {
        let expected: [(String, ProviderError)] = [
            ("error_banned", .quota(untilMilliseconds: 86_400_005)), ("error_not_found", .notFound),
            ("error_client_invalid", .unauthorized),
        ]
        for (file, failure) in expected {
            guard case .error(let text) = try AniDBAnswer.content(Recordings.bytes("anidb/\(file).xml")) else {
                Issue.record("\(file) is no error")
                continue
            }
            #expect(AniDBAnswer.failure(text, nowMilliseconds: 5) == failure)
        }
        #expect(AniDBAnswer.failure("banned", nowMilliseconds: 0) == .quota(untilMilliseconds: 86_400_000))
        for file in ["hotanime", "randomsimilar"] {
            #expect(throws: ProviderError.self) { try AniDBAnswer.content(Recordings.bytes("anidb/\(file).xml")) }
        }
    }

    @Test("without any one line that is an element of its own, the rest is read")
    func gaps() throws {
        for file in ["anime_22_evangelion", "anime_1_seikai"] {
            let lines = String(decoding: try Recordings.bytes("anidb/\(file).xml"), as: UTF8.self)
                .split(separator: "\n", omittingEmptySubsequences: false)
            for (index, line) in lines.enumerated() where line.contains("</") && line.contains(">") {
                let name = line.drop { $0 != "<" }.dropFirst().prefix { $0.isLetter }
                guard line.contains("</\(name)>"), index.isMultiple(of: 31) || index < 100 else { continue }
                var changed = lines
                changed.remove(at: index)
                let facts = try entry(Array(changed.joined(separator: "\n").utf8))
                #expect(facts != nil, "line \(index) of \(file)")
            }
        }
    }

    @Test("cut anywhere it is broken, changed anywhere it never crashes")
    func damage() async throws {
        var random = SeededRandom(seed: UInt64.random(in: 0...UInt64.max))
        let whole = try Recordings.bytes("anidb/anime_1_seikai.xml")
        for count in stride(from: 60, to: whole.count - 20, by: 1_997) {
            #expect(throws: (any Error).self, "\(count) bytes") { try entry(Array(whole[..<count])) }
        }
        for _ in 0..<150 {
            await Task.yield()
            var changed = whole
            for _ in 0..<3 {
                changed[Int.random(in: 0..<whole.count, using: &random)] = UInt8.random(
                    in: .min ... .max, using: &random)
            }
            _ = try? entry(changed)
        }
    }
}

@Suite("XML of records")
struct XMLReaderTests {
    @Test("elements, attributes, text, references, CDATA, comments")
    func reading() throws {
        let text = """
            <?xml version="1.0"?><!-- <no/> --><a x='1 > 0' xml:lang = "de"><b/>one<c y="&lt;&#38;&amp;">t&#x41;<d>no</d>wo\
            <![CDATA[<&>]]></c><e></e></a>
            """
        var reader = XMLReader(Array(text.utf8))
        #expect(try reader.root() == "a")
        #expect(reader.attribute("x") == "1 > 0")
        #expect(reader.attribute("xml:lang") == "de")
        #expect(reader.attribute("z") == nil)
        #expect(try reader.nextChild() == "b")
        #expect(try reader.text().isEmpty)
        #expect(try reader.nextChild() == "c")
        #expect(reader.attribute("y") == "<&&")
        #expect(try reader.text() == "tAwo<&>")
        #expect(try reader.nextChild() == "e")
        #expect(try reader.nextChild() == nil)
        #expect(try reader.nextChild() == nil)
    }

    @Test(
        "what is not well is refused",
        arguments: [
            "", "text", "<", "<a", "<a>", "<a><b></a>", "<a><b></b>", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
            "<a><!-- </a>", "< a></a>", "<a></b>",
        ])
    func refused(text: String) {
        #expect(throws: XMLError.self) {
            var reader = XMLReader(Array(text.utf8))
            _ = try reader.root()
            while try reader.nextChild() != nil { try reader.skip() }
        }
    }

    @Test("a season's record names its series at IMDb and TMDb, and these are no ids of the season")
    func season() throws {
        func resource(_ type: Int, _ identifiers: String...) -> String {
            let texts = identifiers.map { "<identifier>\($0)</identifier>" }.joined()
            return "<resource type=\"\(type)\"><externalentity>\(texts)</externalentity></resource>"
        }
        let text = """
            <anime id="10944"><resources>\(resource(2, "25777"))\(resource(43, "tt2560140"))\
            \(resource(44, "1429", "tv"))</resources></anime>
            """
        guard case .anime(let reader) = try AniDBAnswer.content(Array(text.utf8)) else {
            Issue.record("it is a record")
            return
        }
        let mapping = AniDBMapping(fetchedAtMilliseconds: 7)
        let series = try #require(try mapping.entry(reader, as: .series))
        #expect(series.ids == SubjectIDs(imdb: "tt2560140", tmdb: 1_429, anidb: 10_944, myanimelist: 25_777))
        let own = SubjectIDs(anidb: 10_944, myanimelist: 25_777)
        #expect(try mapping.entry(reader, as: .season)?.ids == own)
        #expect(series.regarded(as: .season).ids == own, "as the answer of the day is kept")
    }

    @Test("depth is bounded, whether read or passed over")
    func depth() throws {
        let deep = String(repeating: "<a>", count: 100_000)
        #expect(throws: XMLError.self) {
            var reader = XMLReader(Array(deep.utf8))
            _ = try reader.root()
            try reader.skip()
        }
        #expect(throws: XMLError.self) {
            var reader = XMLReader(Array(deep.utf8))
            _ = try reader.root()
            while try reader.nextChild() != nil {}
        }
    }

    @Test("a reference that is none stays as it is")
    func references() {
        #expect(
            FactsText.withoutReferences("a & b &amp; c &nothing; &#0; &#xZ; &") == "a & b & c &nothing; \u{0} &#xZ; &")
        #expect(FactsText.plain("<p>One<br/>two</p><p>A &amp; B</p>") == "One\ntwo\nA & B\n")
        #expect(FactsText.plain("a < b <br>c") == "a < b \nc")
    }
}
