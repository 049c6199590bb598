import Contracts
import JSON
import RatingScales
import Testing

@Suite struct RatingScalesTests {
    private static let ratings = (1...100).map(DecimalTenths.init(tenths:))
    /// More values than any scale has, including −0.1 and 100.1.
    private static let numbers = (-1...1_001).map(DecimalTenths.init(tenths:))

    @Test("Every value of a scale comes back from the rating that it means", arguments: RatingScale.allCases)
    func own(scale: RatingScale) {
        let values = Self.numbers.filter { scale.rating(of: $0) != nil }
        let counts: [RatingScale: Int] = [.ten: 10, .tenDecimal: 100, .fiveStars: 10, .hundred: 100, .thumbs: 2]
        #expect(values.count == counts[scale])
        for value in values {
            let rating = scale.rating(of: value)
            #expect(rating.map(Self.ratings.contains) == true)
            #expect(rating.map(scale.value(of:)) == value)
        }
        for rating in Self.ratings { #expect(scale.rating(of: scale.value(of: rating)) != nil, "\(rating)") }
    }

    @Test("Every rating can be sent, and reading it back changes nothing", arguments: RemoteScale.allCases)
    func roundTrip(scale: RemoteScale) {
        for rating in Self.ratings {
            let remote = scale.encode(rating)
            #expect(scale.decode(remote) != nil, "\(rating) became \(remote)")
            #expect(scale.isEcho(remote, of: rating))
            #expect(scale.adopt(remote, over: rating) == rating)
        }
    }

    @Test("Every remote value comes back from the rating that it means", arguments: RemoteScale.allCases)
    func remote(scale: RemoteScale) {
        let values = Self.numbers.filter { scale.decode($0) != nil }
        let counts: [RemoteScale: Int] = [
            .trakt: 10, .simkl: 10, .myanimelist: 10, .letterboxd: 10, .kitsu: 19, .anilist100: 100,
            .anilist10Decimal: 100, .anilist10: 10, .anilist5: 5, .anilist3: 3,
        ]
        #expect(values.count == counts[scale])
        for value in values {
            #expect(scale.decode(value).map(scale.encode) == value)
            #expect(scale.adopt(value, over: nil) == scale.decode(value))
        }
        #expect(scale.decode(DecimalTenths(tenths: 0)) == nil, "0 means that there is no rating")
    }

    @Test("A change at the other side is taken, an echo is not", arguments: RemoteScale.allCases)
    func edits(scale: RemoteScale) {
        let values = Self.numbers.filter { scale.decode($0) != nil }
        for rating in Self.ratings {
            for value in values where value != scale.encode(rating) {
                #expect(scale.adopt(value, over: rating) == scale.decode(value))
            }
        }
    }

    @Test("A higher rating never becomes a lower value", arguments: RemoteScale.allCases)
    func order(scale: RemoteScale) {
        for (lower, higher) in zip(Self.ratings, Self.ratings.dropFirst()) {
            #expect(scale.encode(lower) <= scale.encode(higher))
        }
    }

    @Test(
        "Known values",
        arguments: [
            (RemoteScale.trakt, 85, 90), (.trakt, 84, 80), (.trakt, 1, 10), (.letterboxd, 85, 45), (.letterboxd, 1, 5),
            (.kitsu, 87, 170), (.kitsu, 1, 20), (.anilist5, 85, 50), (.anilist5, 79, 40), (.anilist3, 47, 10),
            (.anilist3, 48, 20), (.anilist100, 85, 850),
        ])
    func known(scale: RemoteScale, tenths: Int, remote: Int) {
        #expect(scale.encode(DecimalTenths(tenths: tenths)) == DecimalTenths(tenths: remote))
    }
}
