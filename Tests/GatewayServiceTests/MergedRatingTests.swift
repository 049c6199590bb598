import Contracts
import RPC
import Testing

@testable import GatewayService

/// A title that metadata knows to be merged, and of whose merge ratings have not heard yet.
@Suite struct MergedRatingTests {
    private static let old = StandIns.title(2)
    private static let new = StandIns.title(1)

    /// The old title is merged into the new one; one title is rated.
    private static func others(rated: TitleID, isMetadataAway: Bool = false) -> StandIns {
        StandIns(StandIns.World(merged: [old: new], isMetadataAway: isMetadataAway, rated: rated))
    }

    private static func unrate(_ title: TitleID, _ others: StandIns, as kind: TitleKind = .movie) async throws(RPCError)
    {
        _ = try await UnrateTitle(metadata: others.metadataClient, ratings: others.ratingsClient, kind: kind)
            .run(title, StandIns.caller, StandIns.request())
    }

    private static func rated(_ title: TitleID, _ others: StandIns) async throws(RPCError) -> TitleID {
        try await GetTitleRating(metadata: others.metadataClient, ratings: others.ratingsClient, kind: .movie)
            .run(title, StandIns.caller, StandIns.request()).body.title
    }

    /// Taking it back under the old id was answered, and the rating stayed; reading it there found none.
    @Test("What was rated under the id that stands is read and taken back under the one of before")
    func standing() async throws {
        let others = Self.others(rated: Self.new)
        #expect(try await Self.rated(Self.old, others) == Self.new)
        try await Self.unrate(Self.old, others)
        #expect(others.takenBack == [Self.new])
        await #expect(throws: RPCError.wrongKind("this is a movie, not a series")) {
            try await Self.unrate(Self.old, others, as: .series)
        }
    }

    /// It was sent for the old id then, which is another request to the ratings service, and was refused.
    @Test("What comes again after it was taken back is the same request")
    func again() async throws {
        let others = Self.others(rated: StandIns.title(9))
        try await Self.unrate(Self.old, others)
        #expect(others.takenBack == [Self.new])
    }

    @Test("Metadata is asked only where no rating is found, and is missed by nobody")
    func calls() async throws {
        let others = Self.others(rated: Self.old)
        #expect(try await Self.rated(Self.old, others) == Self.old)
        try await Self.unrate(Self.old, others)
        #expect(others.takenBack == [Self.old])
        #expect(!others.calls.contains("metadata.getTitle"))

        let away = Self.others(rated: Self.new, isMetadataAway: true)
        let none = RPCError.ratingNotFound("this title is not rated")
        await #expect(throws: none) { try await Self.rated(Self.old, away) }
        try await Self.unrate(Self.old, away)
        #expect(away.takenBack == [Self.old])
        // One that stands and is not rated is looked for once.
        let unrated = Self.others(rated: Self.old)
        await #expect(throws: none) { try await Self.rated(Self.new, unrated) }
        #expect(unrated.calls == ["ratings.getRating", "metadata.getTitle"])
    }
}
