import Contracts
import JSON
import RPC
import Testing

@testable import GatewayService

/// Ratings that name a play, which must be one of the person's own plays of that title.
@Suite struct RatedPlaysTests {
    /// Title 2 is merged into title 1; play 1, 2 or 3 is of the title with the same number.
    private static func others(failure: RPCError? = nil, heedsVersions: Bool = false) -> StandIns {
        let plays = (1...3).map { Play(id: play($0), title: title($0), kind: .movie, precision: .unknown) }
        return StandIns(
            StandIns.World(
                merged: [title(2): title(1)], heedsVersions: heedsVersions, plays: plays, scrobbleFailure: failure))
    }

    private static func title(_ number: Int) -> TitleID { StandIns.title(number) }
    private static func play(_ number: Int) -> PlayID { PlayID(UUIDBits(high: 3, low: UInt64(number))) }

    private static func rate(
        _ title: Int, _ play: Int?, _ others: StandIns, key: String? = nil
    ) async throws(RPCError) -> PlayID? {
        try await RateTitle(
            metadata: others.metadataClient, ratings: others.ratingsClient, scrobble: others.scrobbleClient,
            kind: .movie
        ).run(
            Self.title(title), RateRequest(rating: DecimalTenths(tenths: 80), play: play.map(Self.play)),
            StandIns.caller, StandIns.request(key)
        ).body.play
    }

    private static let noSuchPlay = RPCError.playNotFound("this title has no such play")

    /// Any id used to be accepted, even that of another person's play.
    @Test("A rating takes a play of the person's own that is of its title, under either id of a merged one")
    func one() async throws {
        let others = Self.others()
        #expect(try await Self.rate(1, 1, others) == Self.play(1))
        // Scrobble has the play under the former id; the rating may name that one too.
        #expect(try await Self.rate(1, 2, others) == Self.play(2))
        #expect(try await Self.rate(2, 2, others) == Self.play(2))
        #expect(try await Self.rate(2, 1, others) == Self.play(1))
        for (title, play) in [(1, 3), (3, 1), (3, 2), (1, 4), (4, 4)] {
            await #expect(throws: Self.noSuchPlay, "\(title) \(play)") { try await Self.rate(title, play, others) }
        }
    }

    @Test("Without a play scrobble is not asked; where it cannot be, nothing is written")
    func away() async throws {
        let others = Self.others()
        #expect(try await Self.rate(1, nil, others) == nil)
        #expect(others.calls == ["metadata.getTitle", "ratings.rateTitle"])
        let away = Self.others(failure: .unavailable("scrobble is away"))
        await #expect(throws: RPCError.unavailable("scrobble is away")) { try await Self.rate(1, 1, away) }
        #expect(away.calls == ["metadata.getTitle", "scrobble.getPlays"])
        // A copy of the previous version does not know the method.
        let older = Self.others(
            failure: RPCError(code: RPCError.Code.methodNotFound, message: "There is no such method."))
        #expect(try await Self.rate(1, 4, older) == Self.play(4))
    }

    /// A retry after its play had been deleted used to be refused although the rating existed; in bulk, its outcomes
    /// went to the wrong titles.
    @Test("Under a key a play that is none is left to the ratings service, which may know the request")
    func keyed() async throws {
        let (known, unknown) = (Self.others(), Self.others(heedsVersions: true))
        #expect(try await Self.rate(1, 4, known, key: "k") == Self.play(4))
        await #expect(throws: Self.noSuchPlay) { try await Self.rate(1, 4, unknown, key: "k") }
        #expect(try await Self.rate(1, 1, unknown, key: "k") == Self.play(1))
        for (others, result) in [(known, WriteResult.created), (unknown, .invalid)] {
            let items = [(1, 1), (2, 4), (3, 3)].map {
                RatingItem(title: Self.title($0.0), rating: DecimalTenths(tenths: 80), play: Self.play($0.1))
            }
            let outcomes = try await WriteRatings(
                metadata: others.metadataClient, ratings: others.ratingsClient, scrobble: others.scrobbleClient
            ).run(WriteRatingsInput(body: RatingItems(items: items)), StandIns.caller, StandIns.request("k")).body
                .outcomes
            #expect(outcomes.map(\.result) == [.created, result, .created])
            #expect(others.written.map(\.title) == [1, 1, 3].map(Self.title))
            #expect(others.written.map(\.refused) == [nil, true, nil])
        }
    }

    @Test("Of many each item is weighed by itself, in one call for all")
    func many() async throws {
        let others = Self.others()
        func write(_ items: [(title: Int, play: Int?)]) async throws -> [WriteResult] {
            try await WriteRatings(
                metadata: others.metadataClient, ratings: others.ratingsClient, scrobble: others.scrobbleClient
            ).run(
                WriteRatingsInput(
                    body: RatingItems(
                        items: items.map {
                            RatingItem(
                                title: Self.title($0.title), rating: DecimalTenths(tenths: 80),
                                play: $0.play.map(Self.play))
                        })), StandIns.caller, StandIns.request()
            ).body.outcomes.map(\.result)
        }
        let results = try await write([(1, 1), (1, nil), (1, 3), (3, 3), (3, 4), (2, 2)])
        #expect(results == [.created, .created, .invalid, .created, .invalid, .created])
        let plays: [PlayID?] = [Self.play(1), nil, Self.play(3), Self.play(2)]
        #expect(others.written.map(\.play) == plays)
        let asked = ["metadata.getTitles", "scrobble.getPlays", "metadata.getTitles"]
        #expect(others.calls == asked + ["ratings.applyRedirects", "ratings.writeRatings"])
        #expect(try await write([(1, nil)]) == [.created])
        #expect(others.calls.count { $0 == "scrobble.getPlays" } == 1)
    }
}
