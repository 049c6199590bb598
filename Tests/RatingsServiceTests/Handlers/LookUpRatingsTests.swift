import Contracts
import JSON
import RPC
import TestSupport
import Testing

@testable import RatingsService

/// Ratings of several people, each person's sent again only when one of them has changed.
@Suite struct LookUpRatingsTests {
    private typealias Fixture = RatingsFixture

    private static func look(_ fixture: Fixture, _ wanted: [PersonTitles]) async throws -> [RatingsOfPerson] {
        try await fixture.other.lookUpRatings(LookUpRatingsParams(wanted: wanted), Fixture.context()).people
    }

    @Test(
        "As long as a person's version holds none of their ratings has changed, and another's changes are nothing to it"
    )
    func versions() async throws {
        try await Fixture.with { fixture in
            let (user, stranger) = (Fixture.newUser(), Fixture.newUser())
            let (titles, batch) = ((0..<3).map { _ in Fixture.newTitle() }, Fixture.newBatch())
            func told(_ known: String?) async throws -> RatingsOfPerson {
                try #require(
                    try await Self.look(fixture, [PersonTitles(user: user, titles: titles, known: known)]).first)
            }
            var before = try await told(nil)
            #expect(before.ratings == [])
            let steps: [(String, () async throws -> Void)] = [
                ("rated", { _ = try await fixture.rate(titles[0], 70, by: user) }),
                ("rated otherwise", { _ = try await fixture.rate(titles[0], 80, by: user) }),
                ("reviewed", { _ = try await fixture.rate(titles[0], 80, by: user, review: "Slow, and good.") }),
                (
                    "imported",
                    {
                        let item = RatingWrite(
                            title: titles[1], kind: .movie, rating: DecimalTenths(tenths: 60),
                            ratedAt: fixture.clock.now)
                        _ = try await fixture.write([item], by: user, batch: batch)
                    }
                ),
                (
                    "taken back",
                    {
                        _ = try await fixture.service.unrateTitle(
                            UnrateTitleParams(user: user, title: titles[0]), Fixture.context())
                    }
                ),
                (
                    "merged",
                    {
                        let move = TitleMove(from: titles[1], to: titles[2])
                        _ = try await fixture.service.applyRedirects(
                            ApplyRedirectsParams(redirects: [move]), Fixture.context())
                    }
                ),
                (
                    "deleted",
                    { _ = try await fixture.service.deletePerson(DeletePersonParams(user: user), Fixture.context()) }
                ),
            ]
            for (name, step) in steps {
                #expect(try await told(before.version) == RatingsOfPerson(version: before.version), "\(name)")
                try await step()
                _ = try await fixture.rate(titles[0], 90, by: stranger)
                let after = try await told(before.version)
                #expect(after.version != before.version && after.ratings != nil, "\(name)")
                #expect(after.ratings != before.ratings, "\(name)")
                before = after
            }
            #expect(before.ratings == [])
        }
    }

    @Test("Each answer tells of which version of everything in the database it is, and any change is another")
    func data() async throws {
        try await Fixture.with { fixture in
            let (user, title) = (Fixture.newUser(), Fixture.newTitle())
            func data(_ service: RatingsService) async throws -> String? {
                let wanted = [PersonTitles(user: user, titles: [title])]
                return try await service.lookUpRatings(LookUpRatingsParams(wanted: wanted), Fixture.context()).data
            }
            let before = try #require(try await data(fixture.service))
            _ = try await fixture.rate(title, 70, by: user)
            #expect(try await data(fixture.other) != before)
            // Something else may commit between the two questions, such as the server's own statistics.
            #expect(try await eventually { try await data(fixture.service) == data(fixture.other) })
        }
    }

    @Test("Of a hundred titles at most one call asks, however they are spread over people")
    func bounds() async throws {
        try await Fixture.with { fixture in
            let titles = (0..<100).map { _ in Fixture.newTitle() }
            let full = PersonTitles(user: Fixture.newUser(), titles: titles)
            let most = try await Self.look(fixture, [full])
            #expect(most.map(\.ratings) == [[]])
            await #expect(throws: RPCError.self) {
                try await Self.look(fixture, [full, PersonTitles(user: Fixture.newUser(), titles: [titles[0]])])
            }
            let least = try await Self.look(fixture, [])
            #expect(least.isEmpty)
            let nothing = try await Self.look(fixture, [PersonTitles(user: Fixture.newUser(), titles: [])])
            #expect(nothing.map(\.ratings) == [[]])
        }
    }
}
