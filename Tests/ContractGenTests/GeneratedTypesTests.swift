import Contracts
import JSON
import RPC
import Testing

/// The types generated from the real documents: every check, decoding and encoding.
@Suite struct GeneratedTypesTests {
    private static let title = "01920000-0000-7000-8000-000000000603"
    private static let user = "01920000-0000-7000-8000-00000000a11c"

    private func message<Value: JSONDecodable>(
        _ type: Value.Type, _ text: String, _ unknown: UnknownMembers = .ignore
    ) -> String? {
        do throws(JSONError) {
            _ = try decodeJSON(type, from: Array(text.utf8), unknownMembers: unknown)
            return nil
        } catch {
            return error.prefixed(by: "params").description
        }
    }

    private static func rate(_ change: String, _ without: String = "") -> String {
        var members = [
            "user": "\"\(user)\"", "title": "\"\(title)\"", "kind": "\"movie\"", "rating": "8.5",
            "rated_at": "\"2026-11-01T12:00:00Z\"",
        ]
        members[without] = nil
        if let split = change.firstIndex(of: "=") {
            members[String(change[..<split])] = String(change[change.index(after: split)...])
        }
        return "{" + members.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
    }

    @Test(
        arguments: [
            ("", "", nil), ("rating=10.4", "", "params.rating: 10.4 is above 10"),
            ("rating=0", "", "params.rating: 0 is below 0.1"),
            ("rating=7.55", "", "params.rating: 7.55 is not a multiple of 0.1"),
            ("rating=\"8\"", "", "params.rating: is not a number"),
            ("rating=10.0", "", nil), ("rating=0.1", "", nil), ("", "rating", "params.rating: is missing"),
            ("", "user", "params.user: is missing"),
            ("user=\"x\"", "", "params.user: is not a UUID"),
            ("user=\"01920000-0000-7000-8000-00000000A11C\"", "", nil),
            ("kind=\"film\"", "", "params.kind: is not one of movie, series, season, episode"),
            ("kind=1", "", "params.kind: is not a string"),
            ("review=null", "", "params.review: is not a string"),
            ("spoiler=0", "", "params.spoiler: is not a boolean"),
            ("rated_at=\"2026-11-01\"", "", "params.rated_at: is not a date and time (RFC 3339)"),
            ("rated_at=\"2026-02-29T00:00:00Z\"", "", "params.rated_at: is not a date and time (RFC 3339)"),
            ("unknown=1", "", nil), ("unknown={\"a\":1,\"a\":2}", "", "params.unknown.a: is given twice"),
        ] as [(String, String, String?)])
    func rateTitle(_ change: String, _ without: String, _ expected: String?) {
        #expect(message(RateTitleParams.self, Self.rate(change, without)) == expected)
    }

    @Test func longReviews() {
        let longest = String(repeating: "é", count: 50_000)
        #expect(message(RateTitleParams.self, Self.rate("review=\"\(longest)\"")) == nil)
        #expect(
            message(RateTitleParams.self, Self.rate("review=\"\(longest)é\""))
                == "params.review: is longer than 50000 characters")
    }

    @Test func nestedPaths() {
        let rating =
            #"{"source":"imdb","name":"IMDb","value":"8.7/10","score":101,"via":"omdb","#
            + #""fetched_at":"2026-11-01T12:00:00Z","status":"fresh"}"#
        let text =
            #"{"id":"\#(Self.title)","kind":"movie","name":"N","genres":["a",""],"#
            + #""external_ids":{},"external_ratings":[],"is_local":true}"#
        #expect(message(Title.self, text) == "params.genres[1]: is empty")
        #expect(
            message(
                Title.self, text.replacing(",\"\"", with: "").replacing("ratings\":[", with: "ratings\":[\(rating)"))
                == "params.external_ratings[0].score: 101 is above 100")
        #expect(message(ExternalIds.self, #"{"imdb":"tt01"}"#) == "params.imdb: does not match ^tt[0-9]{7,10}$")
        #expect(message(ExternalIds.self, #"{"imdb":"tt0133093","tmdb":0}"#) == "params.tmdb: 0 is below 1")
        #expect(message(ExternalIds.self, #"{"imdb":"tt0133093","x":0}"#, .refuse) == "params.x: is not a known member")
        #expect(message(ExternalRating.self, rating.replacing("101", with: "null")) == nil)
        #expect(
            message(ExternalRating.self, rating.replacing("\"score\":101,", with: "")) == "params.score: is missing")
        #expect(
            message(ExternalRating.self, rating.replacing("101", with: "1,\"url\":\"no uri\""))
                == "params.url: is not a URI")
    }

    @Test func secretsStayOutOfDescriptions() {
        let credentials = LoginRequest(username: "alice", password: "correct horse")
        #expect(!"\(credentials)".contains("horse"))
        var dumped = ""
        dump(credentials, to: &dumped)
        #expect(!dumped.contains("horse"))
    }

    @Test func registry() {
        #expect(RegistryError(code: 1_010) == .titleNotFound)
        #expect(RegistryError(code: 999) == nil)
        for entry in RegistryError.allCases { #expect(RegistryError(code: entry.code) == entry) }
        #expect(RegistryError.unavailable.error().isRetryable)
        #expect(RegistryError.titleNotFound.error("No film 7.").message == "No film 7.")
    }

    /// Random values survive a round trip, and equal values have equal encodings.
    @Test func roundTrips() throws {
        let seed: UInt64 = 0x5EED_0003
        var source = ValueSource(seed: seed)
        for _ in 0..<300 {
            try check(source.rating(), seed)
            try check(source.title(), seed)
            try check(source.page(), seed)
            try check(
                RateTitleParams(
                    user: UserID(source.uuid()), title: TitleID(source.uuid()), kind: source.kind(),
                    rating: source.tenths(), review: source.maybe { $0.text() }, spoiler: source.maybe { $0.flag() },
                    ratedAt: source.maybe { $0.moment() }), seed)
        }
    }

    private func check<Value: JSONDecodable & JSONEncodable & Equatable>(_ value: Value, _ seed: UInt64) throws {
        let text = encodeJSON(value)
        let back = try decodeJSON(Value.self, from: text, unknownMembers: .refuse)
        #expect(back == value, "seed \(seed): \(String(decoding: text, as: UTF8.self))")
        #expect(encodeJSON(back) == text, "seed \(seed)")
        #expect((try? decodeJSON(JSONValue.self, from: text)) != nil, "seed \(seed)")
    }
}
