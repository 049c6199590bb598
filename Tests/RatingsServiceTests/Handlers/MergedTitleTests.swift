import Contracts
import JSON
import Postgres
import RPC
import Store
import TestSupport
import Testing

@testable import RatingsService

/// Merges that are reported more than once, and keys from before them.
@Suite struct MergedTitleTests {
    private typealias Fixture = RatingsFixture

    private static let asked = String(repeating: "a1", count: 32)
    private static let reused = RPCError.idempotencyKeyReused("the idempotency key was used for another request")

    /// Only keys kept under the title's current id used to be recognised.
    @Test("A key from before callers said what they were asked for is recognised after its title was merged")
    func keyAcrossUpgradeAndMerge() async throws {
        try await Fixture.with { fixture in
            let user = Fixture.newUser()
            let titles = (0..<4).map { _ in Fixture.newTitle() }
            let (old, new, further) = (titles[0], titles[1], titles[3])
            func rate(_ title: TitleID, _ tenths: Int, _ asked: String?) async throws -> Rating {
                try await fixture.service.rateTitle(
                    RateTitleParams(
                        user: user, title: title, kind: .movie, rating: DecimalTenths(tenths: tenths),
                        requestDigest: asked), Fixture.context(key: "one"))
            }
            func write(_ titles: [TitleID], _ tenths: Int, _ asked: String?) async throws -> [WriteResult] {
                let items = titles.map {
                    RatingWrite(title: $0, kind: .movie, rating: DecimalTenths(tenths: tenths))
                }
                return try await fixture.other.writeRatings(
                    WriteRatingsParams(user: user, items: items, source: .person, requestDigest: asked),
                    Fixture.context(key: "bulk")
                ).outcomes.map(\.result)
            }
            let rated = try await rate(old, 70, nil)
            let written = try await write([old, titles[2]], 80, nil)
            #expect(written == [.updated, .created])
            for move in [TitleMove(from: old, to: new), TitleMove(from: new, to: further)] {
                _ = try await fixture.service.applyRedirects(
                    ApplyRedirectsParams(redirects: [move]), Fixture.context())
                #expect(try await rate(move.to, 70, Self.asked) == rated)
                #expect(try await write([move.to, titles[2]], 80, Self.asked) == written)
            }
            await #expect(throws: Self.reused) { try await rate(further, 75, Self.asked) }
            await #expect(throws: Self.reused) { try await rate(titles[2], 70, Self.asked) }
            await #expect(throws: Self.reused) { try await write([further, titles[2]], 85, Self.asked) }
            await #expect(throws: Self.reused) { try await write([titles[2], further], 80, Self.asked) }
            #expect(try await fixture.feed(of: user).count { $0.source == .person } == 3)
        }
    }

    @Test("Several people's ratings are looked up at once, each by its person, under the id of before too")
    func severalPeople() async throws {
        try await Fixture.with { fixture in
            let users = [Fixture.newUser(), Fixture.newUser(), Fixture.newUser()]
            let (old, new, other) = (Fixture.newTitle(), Fixture.newTitle(), Fixture.newTitle())
            try await fixture.rate(old, 70, by: users[0])
            try await fixture.rate(new, 80, by: users[1])
            try await fixture.rate(other, 90, by: users[0])
            _ = try await fixture.service.applyRedirects(
                ApplyRedirectsParams(redirects: [TitleMove(from: old, to: new)]), Fixture.context())
            let wanted = users.map { PersonTitles(user: $0, titles: [old, new, other]) }
            let people = try await fixture.other.lookUpRatings(
                LookUpRatingsParams(wanted: wanted + [PersonTitles(user: users[0], titles: [old])]), Fixture.context()
            ).people
            let told = people.map { person in
                Set(person.ratings?.map { [$0.asked.description, $0.rating.rating.description] } ?? [])
            }
            func due(_ title: TitleID, _ tenths: Int) -> [String] {
                [title.description, DecimalTenths(tenths: tenths).description]
            }
            #expect(
                told == [
                    [due(old, 70), due(new, 70), due(other, 90)], [due(old, 80), due(new, 80)], [], [due(old, 70)],
                ])
            let found = people.flatMap { $0.ratings ?? [] }
            #expect(found.count == 6)
            #expect(found.allSatisfy { $0.rating.title == ($0.asked == other ? other : new) })
        }
    }

    @Test(
        "A rating that is taken back again under the old id of a title that was merged meanwhile is answered as before")
    func takenBackAcrossMerge() async throws {
        try await Fixture.with { fixture in
            let user = Fixture.newUser()
            let (old, new) = (Fixture.newTitle(), Fixture.newTitle())
            func unrate(_ title: TitleID) async throws -> Bool {
                try await fixture.service.unrateTitle(
                    UnrateTitleParams(user: user, title: title), Fixture.context(key: "k")
                ).removed
            }
            try await fixture.rate(old, 70, by: user)
            #expect(try await unrate(old))
            try await fixture.rate(old, 80, by: user)
            _ = try await fixture.service.applyRedirects(
                ApplyRedirectsParams(redirects: [TitleMove(from: old, to: new)]), Fixture.context())
            #expect(try await unrate(old))
            #expect(try await fixture.rating(of: new, by: user)?.rating.tenths == 80)
        }
    }

    /// The gateway reports a merge with each request that meets it; each report used to wait for all writers, who
    /// waited for it.
    @Test("A merge that is known is told again while others write, and still moves what is left")
    func toldAgain() async throws {
        try await Fixture.with { fixture in
            let user = Fixture.newUser()
            let (old, new) = (Fixture.newTitle(), Fixture.newTitle())
            try await fixture.rate(old, 70, by: user)
            let merge = ApplyRedirectsParams(redirects: [TitleMove(from: old, to: new)])
            let store = RatingsStore(database: Database(pool: fixture.pools[0]))
            try await store.recordMerges(merge.redirects, until: .now + .seconds(20))
            let others = Database(pool: fixture.pools[1])
            let writing = PGCommand("tests.writing", "SELECT pg_advisory_xact_lock_shared(7102)")
            let wasTaken = try await others.transaction(until: .now + .seconds(30)) {
                (transaction) async throws(PGError) -> Bool in
                try await transaction.execute(writing)
                return await Self.isTaken(merge.redirects, by: store)
            }
            #expect(wasTaken)
            #expect(
                try await fixture.service.applyRedirects(merge, Fixture.context())
                    == AppliedRedirects(moved: 1, met: 0, done: true))
            #expect(try await fixture.rating(of: new, by: user)?.rating.tenths == 70)
        }
    }

    /// Both used to take the same thousand; the second, after waiting and finding none of them left, reported that all
    /// was done.
    @Test("Of two that move a title's ratings at once neither says that all is moved before it is")
    func movedAtOnce() async throws {
        try await Fixture.with { fixture in
            let (old, new) = (Fixture.newTitle(), Fixture.newTitle())
            let pool = fixture.pools[0]
            _ = try await pool.execute(
                PGCommand(
                    "tests.rate",
                    """
                    INSERT INTO user_ratings (user_id, media_type, media_id, rating, spoiler, rated_at, updated_at, version)
                    SELECT gen_random_uuid(), 'movie', $1::uuid, 7, false, now(), now(), 1 FROM generate_series(1, 1500)
                    """), [.id(old)])
            let merge = ApplyRedirectsParams(redirects: [TitleMove(from: old, to: new)])
            let store = RatingsStore(database: Database(pool: pool))
            try await store.recordMerges(merge.redirects, until: .now + .seconds(20))
            let values: [PGValue] = [.ids([old]), .int4(1_000), .moment(SystemWallClock().now)]
            let other = try await Database(pool: fixture.pools[1]).transaction(until: .now + .seconds(30)) {
                (transaction) async throws(PGError) -> Task<AppliedRedirects, any Error> in
                _ = try await transaction.query(RatingsQueries.moveRatings, values)
                let other = Task { try await fixture.service.applyRedirects(merge, Fixture.context()) }
                // Long enough for it to choose its rows and wait.
                try? await Task.sleep(for: .milliseconds(300))
                return other
            }
            let outcome = try await other.value
            let left = try await store.isLeftBehind([old], until: .now + .seconds(20))
            #expect(outcome.done && !left)
        }
    }

    private static func isTaken(_ merges: [TitleMove], by store: RatingsStore) async -> Bool {
        do {
            try await store.recordMerges(merges, until: .now + .seconds(5))
            return true
        } catch {
            return false
        }
    }
}
