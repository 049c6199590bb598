import Contracts
import JSON

/// Random values of the generated types, within their bounds.
struct ValueSource {
    private var random: Generator

    init(seed: UInt64) { random = Generator(state: seed) }

    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    mutating func maybe<Value>(_ make: (inout ValueSource) -> Value) -> Value? { flag() ? make(&self) : nil }
    mutating func flag() -> Bool { Bool.random(using: &random) }
    mutating func int(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    mutating func uuid() -> UUIDBits { UUIDBits(high: random.next(), low: random.next()) }
    mutating func tenths() -> DecimalTenths { DecimalTenths(tenths: int(1...100)) }
    mutating func kind() -> TitleKind { TitleKind.allCases.randomElement(using: &random) ?? .movie }

    mutating func moment() -> Timestamp {
        let scale = [1, 1_000, 1_000_000][int(0...2)]
        return Timestamp(
            clampingMicrosecondsSinceEpoch: Int64(
                int(-62_167_219_200_000_000...253_402_300_799_999_999) / scale * scale))
    }

    mutating func day() -> CalendarDate? { CalendarDate(daysSinceEpoch: int(-719_528...2_932_896)) }

    mutating func text() -> String {
        let letters = ["a", "Z", " ", "\"", "\\", "/", "\n", "\u{1}", "é", "ß", "漢", "🎬", "\u{2028}", "0"]
        return (0...int(0...40)).map { _ in letters[int(0...letters.count - 1)] }.joined()
    }

    mutating func rating() -> Rating {
        Rating(
            title: TitleID(uuid()), kind: kind(), rating: tenths(), review: maybe { $0.text() }, spoiler: flag(),
            ratedAt: moment(), updatedAt: moment())
    }

    mutating func external() -> ExternalRating {
        ExternalRating(
            source: RatingSource.allCases.randomElement(using: &random) ?? .imdb, name: text(), value: "8.7/10",
            score: maybe { Double($0.int(0...1_000)) / 10 }, votes: maybe { $0.int(0...9_007_199_254_740_991) },
            via: Provider.allCases.randomElement(using: &random) ?? .tmdb, fetchedAt: moment(),
            status: ExternalRatingStatus.allCases.randomElement(using: &random) ?? .fresh,
            url: maybe { _ in "https://example.org/t/1?x=%20" })
    }

    mutating func title() -> Title {
        Title(
            id: TitleID(uuid()), kind: kind(), name: text(), originalName: maybe { $0.text() },
            year: maybe { $0.int(1_850...2_200) }, releaseDate: day(), overview: maybe { $0.text() },
            runtimeMinutes: maybe { $0.int(1...100_000) }, genres: (0..<int(0...3)).map { _ in text() },
            certification: maybe { _ in "PG-13" },
            externalIds: ExternalIds(imdb: maybe { _ in "tt0133093" }, tmdb: maybe { $0.int(1...900_000) }),
            externalRatings: (0..<int(0...5)).map { _ in external() },
            voteAverage: maybe { Double($0.int(0...1_000)) / 100 },
            voteCount: maybe { $0.int(0...1_000_000) }, enrichedAt: maybe { $0.moment() }, isLocal: flag())
    }

    mutating func page(count: Int? = nil) -> WatchedPage {
        WatchedPage(
            items: (0..<(count ?? int(0...5))).map { _ in
                WatchedMovieItem(
                    play: Play(
                        id: PlayID(uuid()), title: TitleID(uuid()), kind: kind(), watchedAt: moment(),
                        precision: .second),
                    title: TitleCard(id: TitleID(uuid()), kind: kind(), name: text(), year: 1_999),
                    externalRatings: (0..<6).map { _ in external() }, myRating: maybe { $0.rating() })
            }, nextCursor: maybe { _ in "abc_-1" })
    }
}
