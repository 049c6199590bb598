import Contracts
import JSON
import Testing

@testable import GatewayService

/// What the ratings service is told about a repeated request.
@Suite struct RepeatedRatingTests {
    private static let asked = StandIns.title(1)
    private static let standing = StandIns.title(2)

    @Test("A bulk write that comes again is the same, whatever its titles are merged into meanwhile")
    func bulk() async throws {
        let others = StandIns()
        func write(_ tenths: Int, _ key: String?) async throws {
            _ = try await WriteRatings(
                metadata: others.metadataClient, ratings: others.ratingsClient, scrobble: others.scrobbleClient
            ).run(
                WriteRatingsInput(
                    body: RatingItems(items: [RatingItem(title: Self.asked, rating: DecimalTenths(tenths: tenths))])),
                StandIns.caller, StandIns.request(key))
        }
        try await write(80, "k")
        others.merge(Self.asked, into: Self.standing)
        try await write(80, "k")
        try await write(90, "k")
        try await write(80, nil)
        let digests = others.writes.map(\.requestDigest)
        #expect(others.writes.map { $0.items[0].title } == [Self.asked] + Array(repeating: Self.standing, count: 3))
        #expect(digests[0] != nil && digests[1] == digests[0])
        #expect(digests[2] != nil && digests[2] != digests[0])
        #expect(digests[3] == nil)
    }

    @Test("So is a rating of one title")
    func one() async throws {
        let others = StandIns()
        func rate(_ title: TitleID, _ tenths: Int) async throws {
            _ = try await RateTitle(
                metadata: others.metadataClient, ratings: others.ratingsClient, scrobble: others.scrobbleClient,
                kind: .movie
            ).run(
                title, RateRequest(rating: DecimalTenths(tenths: tenths)), StandIns.caller, StandIns.request("k"))
        }
        try await rate(Self.asked, 80)
        others.merge(Self.asked, into: Self.standing)
        try await rate(Self.asked, 80)
        try await rate(Self.asked, 90)
        try await rate(Self.standing, 80)
        let digests = others.ratings.map(\.requestDigest)
        #expect(digests[0] != nil && digests[1] == digests[0])
        #expect(Set(digests).count == 3)
    }
}
