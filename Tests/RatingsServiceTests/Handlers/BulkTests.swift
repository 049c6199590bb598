import Contracts
import JSON
import Postgres
import RPC
import Store
import TestSupport
import Testing

@testable import RatingsService

/// Bulk operations: outcomes, undo, merges, deletion.
@Suite struct BulkTests {
    private typealias Fixture = RatingsFixture

    private static func item(
        _ title: TitleID, _ tenths: Int?, at moment: Timestamp? = nil, given: GivenRating? = nil
    ) -> RatingWrite {
        RatingWrite(
            title: title, kind: .movie, rating: tenths.map(DecimalTenths.init(tenths:)), ratedAt: moment, given: given)
    }

    @Test("Every item has its own outcome")
    func outcomes() async throws {
        try await Fixture.with { fixture in
            let user = Fixture.newUser()
            let titles = (0..<9).map { _ in Fixture.newTitle() }
            let past = fixture.clock.now.advanced(by: .seconds(-1_000))
            let future = fixture.clock.now.advanced(by: .seconds(301))
            for place in 0..<4 { try await fixture.rate(titles[place], 80, by: user) }
            let five = GivenRating(value: DecimalTenths(tenths: 45), scale: .fiveStars)
            let outcomes = try await fixture.write(
                [
                    Self.item(titles[0], 90), Self.item(titles[1], nil),
                    Self.item(titles[2], 80, at: fixture.clock.now),
                    Self.item(titles[4], 50), Self.item(titles[5], nil), Self.item(titles[6], 50, at: future),
                    Self.item(titles[7], 10), Self.item(titles[7], 20), Self.item(titles[8], 80, given: five),
                ], by: user)
            #expect(
                outcomes.map(\.result) == [
                    .updated, .removed, .same, .created, .absent, .inFuture, .repeated, .created, .invalid,
                ])
            #expect(outcomes.map(\.title) == titles[0...2] + titles[4...6] + [titles[7], titles[7], titles[8]])
            #expect(outcomes.map(\.version) == [5, 6, 3, 7, nil, nil, nil, 8, nil])
            #expect(try await fixture.rating(of: titles[7], by: user)?.rating.tenths == 20)
            let newer = try await fixture.write(
                [
                    Self.item(titles[0], 10, at: past), Self.item(titles[0], 90, at: past),
                    Self.item(titles[1], 70, at: past),
                ],
                by: user, onlyNewer: true)
            #expect(newer.map(\.result) == [.repeated, .same, .older])
            #expect(try await fixture.miscounted().isEmpty)
        }
    }

    /// A later item with a future date used to make a valid one of the same title `repeated`, and the title stayed
    /// unrated.
    @Test("An item that is refused does not stand in the way of one before it")
    func refusedRepeat() async throws {
        try await Fixture.with { fixture in
            let user = Fixture.newUser()
            let titles = (0..<4).map { _ in Fixture.newTitle() }
            let future = fixture.clock.now.advanced(by: .seconds(301))
            let five = GivenRating(value: DecimalTenths(tenths: 45), scale: .fiveStars)
            let outcomes = try await fixture.write(
                [
                    Self.item(titles[0], 80), Self.item(titles[0], 90, at: future),
                    Self.item(titles[1], 10, at: future), Self.item(titles[1], 20),
                    Self.item(titles[2], 30), Self.item(titles[2], 40), Self.item(titles[2], 50, given: five),
                    Self.item(titles[3], 60, at: future), Self.item(titles[3], 70, given: five),
                ], by: user)
            #expect(
                outcomes.map(\.result) == [
                    .created, .inFuture, .inFuture, .created, .repeated, .created, .invalid, .inFuture, .invalid,
                ])
            #expect(outcomes.map(\.version) == [1, nil, nil, 2, nil, 3, nil, nil, nil])
            var found: [Int?] = []
            for title in titles { found.append(try await fixture.rating(of: title, by: user)?.rating.tenths) }
            #expect(found == [80, 20, 40, nil])
            #expect(try await fixture.miscounted().isEmpty)
        }
    }

    @Test("A thousand are written and the same thousand again change nothing")
    func thousand() async throws {
        try await Fixture.with { fixture in
            let user = Fixture.newUser()
            let items = (0..<1_000).map {
                Self.item(Fixture.newTitle(), 1 + $0 % 100, at: fixture.clock.now.advanced(by: .seconds(-$0)))
            }
            let first = try await fixture.write(items, by: user, key: "import")
            #expect(first.allSatisfy { $0.result == .created })
            #expect(try await fixture.write(items, by: user, key: "import") == first)
            #expect(try await fixture.write(items, by: user, onlyNewer: true).allSatisfy { $0.result == .same })
            #expect(try await fixture.feed(of: user).map(\.version) == Array(1...1_000))
            #expect(try await fixture.miscounted().isEmpty)
        }
    }

    @Test("An item that expects a version is written over that version only, 0 for none")
    func versions() async throws {
        try await Fixture.with { fixture in
            let user = Fixture.newUser()
            let titles = (0..<4).map { _ in Fixture.newTitle() }
            let seen = try await fixture.rate(titles[0], 80, by: user).version
            let old = try await fixture.rate(titles[1], 70, by: user).version
            try await fixture.rate(titles[1], 75, by: user)
            try await fixture.rate(titles[2], 60, by: user)
            func item(_ title: TitleID, _ tenths: Int?, _ version: Int?) -> RatingWrite {
                var item = Self.item(title, tenths)
                item.expectedVersion = version
                return item
            }
            let outcomes = try await fixture.write(
                [item(titles[0], 10, seen), item(titles[1], nil, old), item(titles[2], 20, 0), item(titles[3], 30, 0)],
                by: user, source: .trakt)
            #expect(outcomes.map(\.result) == [.updated, .older, .older, .created])
            var found: [Int?] = []
            for title in titles { found.append(try await fixture.rating(of: title, by: user)?.rating.tenths) }
            #expect(found == [10, 75, 60, 30])
        }
    }

    @Test("Undoing a batch brings back what was before, keeps later edits, and may be repeated and undone")
    func restore() async throws {
        try await Fixture.with { fixture in
            let user = Fixture.newUser()
            let titles = (0..<5).map { _ in Fixture.newTitle() }
            try await fixture.rate(titles[0], 80, by: user, review: "Mine.")
            try await fixture.rate(titles[1], 70, by: user)
            let before = try await fixture.rating(of: titles[0], by: user)
            let (batch, undo, redo) = (Fixture.newBatch(), Fixture.newBatch(), Fixture.newBatch())
            fixture.clock.advance(.seconds(10))
            _ = try await fixture.write(
                [Self.item(titles[0], 10), Self.item(titles[1], nil), Self.item(titles[2], 30)], by: user, batch: batch)
            _ = try await fixture.write([Self.item(titles[0], 11), Self.item(titles[3], 40)], by: user, batch: batch)
            fixture.clock.advance(.seconds(10))
            try await fixture.rate(titles[3], 95, by: user)
            func undoing(_ batch: BatchID, as undo: BatchID, dryRun: Bool = false) async throws -> RestoredBatch {
                try await fixture.service.restoreBatch(
                    RestoreBatchParams(user: user, batch: batch, undo: undo, dryRun: dryRun), Fixture.context())
            }
            let preview = try await undoing(batch, as: undo, dryRun: true)
            #expect(try await fixture.rating(of: titles[0], by: user)?.rating.tenths == 11)
            let undone = try await undoing(batch, as: undo)
            #expect(undone == preview)
            #expect(undone.restored == Array(titles[0...2]))
            #expect(undone.kept == [titles[3]])
            let now = try await fixture.rating(of: titles[0], by: user)
            #expect(now?.rating == before?.rating)
            #expect(now?.review == before?.review)
            #expect(now?.ratedAt == before?.ratedAt)
            #expect(try await fixture.rating(of: titles[1], by: user)?.rating.tenths == 70)
            #expect(try await fixture.rating(of: titles[2], by: user) == nil)
            let count = try await fixture.feed(of: user).count
            #expect(try await undoing(batch, as: undo) == undone)
            #expect(try await fixture.feed(of: user).count == count)
            _ = try await undoing(undo, as: redo)
            #expect(try await fixture.rating(of: titles[0], by: user)?.rating.tenths == 11)
            #expect(try await fixture.rating(of: titles[1], by: user) == nil)
            let timeline = try await fixture.service.listTimeline(
                ListTimelineParams(user: user, batch: undo), Fixture.context())
            #expect(timeline.changes.allSatisfy { $0.source == .undo && $0.batch == undo })
            #expect(timeline.changes.count == 3)
            #expect(try await fixture.miscounted().isEmpty)
        }
    }

    /// All reviews of a thousand titles used to go through one statement.
    @Test("A batch with long reviews is put back in parts, each title once; a preview reads no review and is one part")
    func restoreLong() async throws {
        try await Fixture.with { fixture in
            let user = Fixture.newUser()
            let titles = (0..<50).map { _ in Fixture.newTitle() }
            func review(_ place: Int) -> String { "\(place) " + String(repeating: "🎬", count: 49_000) }
            for (place, title) in titles.enumerated() {
                try await fixture.rate(title, 80, by: user, at: place, review: review(place))
            }
            let (batch, undo) = (Fixture.newBatch(), Fixture.newBatch())
            fixture.clock.advance(.seconds(10))
            _ = try await fixture.write(
                titles.map { RatingWrite(title: $0, kind: .movie, rating: DecimalTenths(tenths: 10), review: "") },
                by: user, batch: batch)
            try await fixture.rate(titles[7], 95, by: user)
            func undoing(dryRun: Bool) async throws -> [RestoredBatch] {
                var parts: [RestoredBatch] = []
                repeat {
                    parts.append(
                        try await fixture.service.restoreBatch(
                            RestoreBatchParams(
                                user: user, batch: batch, undo: undo, dryRun: dryRun, cursor: parts.last?.nextCursor),
                            Fixture.context()))
                } while parts.last?.nextCursor != nil
                return parts
            }
            let preview = try await undoing(dryRun: true)
            #expect(preview.count == 1)
            let undone = try await undoing(dryRun: false)
            #expect(undone.count == 3)
            for parts in [preview, undone] {
                #expect(parts.flatMap(\.restored) == titles.filter { $0 != titles[7] })
                #expect(parts.flatMap(\.kept) == [titles[7]])
            }
            for (place, title) in titles.enumerated() where place != 7 {
                let rating = try await fixture.rating(of: title, by: user)
                #expect(rating?.rating.tenths == 80)
                #expect(rating?.review == review(place))
            }
            #expect(try await undoing(dryRun: false).count == 1)
        }
    }

    @Test("Merged titles: ratings move, the newest of two stays, the history has both, late writes follow")
    func merges() async throws {
        try await Fixture.with { fixture in
            let (one, two, three) = (Fixture.newUser(), Fixture.newUser(), Fixture.newUser())
            let (a, b, c) = (Fixture.newTitle(), Fixture.newTitle(), Fixture.newTitle())
            try await fixture.rate(a, 80, by: one, review: "Old id.")
            try await fixture.rate(a, 60, by: two)
            fixture.clock.advance(.seconds(5))
            try await fixture.rate(b, 90, by: two)
            try await fixture.rate(b, 10, by: three)
            fixture.clock.advance(.seconds(5))
            try await fixture.rate(a, 20, by: three)
            func merge(_ from: TitleID, _ to: TitleID) async throws -> AppliedRedirects {
                try await fixture.service.applyRedirects(
                    ApplyRedirectsParams(redirects: [TitleMove(from: from, to: to)]), Fixture.context())
            }
            #expect(try await merge(a, b) == AppliedRedirects(moved: 3, met: 2, done: true))
            #expect(try await merge(a, b) == AppliedRedirects(moved: 0, met: 0, done: true))
            for (user, tenths) in [(one, 80), (two, 90), (three, 20)] {
                #expect(try await fixture.rating(of: a, by: user)?.title == b)
                #expect(try await fixture.rating(of: b, by: user)?.rating.tenths == tenths)
                let shown = try await fixture.service.listTimeline(
                    ListTimelineParams(user: user, title: b), Fixture.context()
                ).changes
                let all = try await fixture.feed(of: user)
                #expect(shown.count == all.count)
                #expect(all.map(\.version) == Array(1...all.count))
            }
            #expect(try await fixture.rating(of: b, by: one)?.review == "Old id.")
            #expect(try await fixture.miscounted().isEmpty)
            // Callers that still know the old id write to the new one, even after another merge.
            _ = try await merge(b, c)
            fixture.clock.advance(.seconds(5))
            #expect(try await fixture.rate(a, 55, by: one).title == c)
            #expect(
                try await fixture.write([Self.item(a, 10), Self.item(c, 30)], by: two).map(\.result) == [
                    .repeated, .updated,
                ])
            let summaries = try await fixture.service.getSummaries(
                GetSummariesParams(titles: [a, c]), Fixture.context()
            ).summaries
            #expect(summaries.map(\.count) == [3, 3])
            #expect(summaries.map(\.title) == [a, c])
            #expect(try await fixture.miscounted().isEmpty)
        }
    }

    /// A title that was merged between two attempts used to turn the second into another request, which was refused.
    @Test("What was asked for is recognised under its key, also where its title has another id by then")
    func repeatedAcrossMerge() async throws {
        try await Fixture.with { fixture in
            let user = Fixture.newUser()
            let (a, b, c) = (Fixture.newTitle(), Fixture.newTitle(), Fixture.newTitle())
            let asked = String(repeating: "a1", count: 32)
            func write(_ title: TitleID, _ tenths: Int, _ asked: String, more: [RatingWrite] = []) async throws
                -> WriteOutcomes
            {
                try await fixture.service.writeRatings(
                    WriteRatingsParams(
                        user: user, items: [Self.item(title, tenths)] + more, source: .person, requestDigest: asked),
                    Fixture.context(key: "bulk"))
            }
            func rate(_ title: TitleID, _ asked: String) async throws -> Rating {
                try await fixture.other.rateTitle(
                    RateTitleParams(
                        user: user, title: title, kind: .movie, rating: DecimalTenths(tenths: 70),
                        requestDigest: asked), Fixture.context(key: "one"))
            }
            let first = try await write(a, 80, asked).outcomes
            let rated = try await rate(c, asked)
            _ = try await fixture.service.applyRedirects(
                ApplyRedirectsParams(redirects: [TitleMove(from: a, to: b), TitleMove(from: c, to: b)]),
                Fixture.context())
            let again = try await write(b, 80, asked).outcomes
            #expect(again.map(\.result) == first.map(\.result) && again.map(\.version) == first.map(\.version))
            #expect(try await rate(b, asked) == rated)
            #expect(try await fixture.feed(of: user).count { $0.source == .person } == 2)
            let reused = RPCError.idempotencyKeyReused("the idempotency key was used for another request")
            let other = String(repeating: "b2", count: 32)
            await #expect(throws: reused) { try await write(b, 80, other) }
            await #expect(throws: reused) { try await rate(b, other) }
            // Nor may it have grown.
            await #expect(throws: reused) { try await write(b, 80, asked, more: [Self.item(c, 10)]) }
        }
    }

    /// Keys used to be kept with a digest of the service's input; a request repeated after an upgrade was refused.
    @Test("A key from before callers said what they were asked for is recognised, and refused to another request")
    func repeatedAcrossUpgrade() async throws {
        try await Fixture.with { fixture in
            let user = Fixture.newUser()
            let title = Fixture.newTitle()
            let asked = String(repeating: "a1", count: 32)
            func write(_ tenths: Int, _ asked: String?) async throws -> WriteOutcomes {
                try await fixture.service.writeRatings(
                    WriteRatingsParams(
                        user: user, items: [Self.item(title, tenths)], source: .person, requestDigest: asked),
                    Fixture.context(key: "bulk"))
            }
            func rate(_ tenths: Int, _ asked: String?, expected: Int? = nil) async throws -> Rating {
                try await fixture.other.rateTitle(
                    RateTitleParams(
                        user: user, title: title, kind: .movie, rating: DecimalTenths(tenths: tenths),
                        expectedVersion: expected, requestDigest: asked), Fixture.context(key: "one"))
            }
            let rated = try await rate(70, nil, expected: 0)
            let written = try await write(80, nil)
            #expect(try await rate(70, asked, expected: 9) == rated)
            #expect(try await write(80, asked) == written)
            let reused = RPCError.idempotencyKeyReused("the idempotency key was used for another request")
            await #expect(throws: reused) { try await rate(75, asked) }
            await #expect(throws: reused) { try await write(85, asked) }
            #expect(try await fixture.feed(of: user).map(\.version) == [1, 2])
            #expect(try await fixture.rating(of: title, by: user)?.rating.tenths == 80)
        }
    }

    @Test("A key is known for 24 hours, and no longer")
    func keyLife() async throws {
        try await Fixture.with { fixture in
            let (user, title) = (Fixture.newUser(), Fixture.newTitle())
            let store = RatingsStore(database: Database(pool: fixture.pools[0]))
            let first = try await fixture.rate(title, 70, by: user, key: "k")
            fixture.clock.advance(RatingsLimits.keyLife - .seconds(1))
            try await store.forgetKeys(at: fixture.clock.now)
            #expect(try await fixture.rate(title, 70, by: user, key: "k") == first)
            fixture.clock.advance(.seconds(2))
            try await store.forgetKeys(at: fixture.clock.now)
            #expect(try await fixture.rate(title, 85, by: user, key: "k").rating.tenths == 85)
        }
    }

    @Test("Writes that race with a merge end up under the title that stays")
    func mergeRace() async throws {
        try await Fixture.with { fixture in
            let users = (0..<60).map { _ in Fixture.newUser() }
            let (a, b) = (Fixture.newTitle(), Fixture.newTitle())
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (place, user) in users.enumerated() {
                    group.addTask { try await fixture.rate(a, 50, by: user, at: place) }
                    if place == 20 {
                        group.addTask {
                            _ = try await fixture.other.applyRedirects(
                                ApplyRedirectsParams(redirects: [TitleMove(from: a, to: b)]), Fixture.context())
                        }
                    }
                }
                try await group.waitForAll()
            }
            let summary = try await fixture.service.getSummaries(
                GetSummariesParams(titles: [b]), Fixture.context()
            ).summaries[0]
            #expect(summary.count == users.count)
            #expect(try await fixture.miscounted().isEmpty)
        }
    }

    @Test("A title that is merged while its rater is deleted leaves no rating behind")
    func deletionDuringMerge() async throws {
        try await Fixture.with { fixture in
            let user = Fixture.newUser()
            let (a, b) = (Fixture.newTitle(), Fixture.newTitle())
            try await fixture.rate(a, 70, by: user)
            let merging = Database(pool: fixture.pools[1])
            let store = RatingsStore(database: Database(pool: fixture.pools[0]))
            try await store.recordMerges([TitleMove(from: a, to: b)], until: .now + .seconds(20))
            try await store.bury(user, at: fixture.clock.now, until: .now + .seconds(20))
            let (moved, tell) = AsyncStream.makeStream(of: Void.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await merging.transaction(until: .now + .seconds(20)) { transaction throws(PGError) in
                        let move = try await transaction.first(
                            RatingsQueries.moveRatings, [.ids([a]), .int4(10), .moment(fixture.clock.now)])
                        #expect(move?.count == 1)
                        tell.finish()
                        // The deletion arrives when the move is half done.
                        try? await Task.sleep(for: .milliseconds(500))
                    }
                }
                group.addTask {
                    for await _ in moved {}
                    let removed = try await store.forgetRatings(of: user, many: 10, until: .now + .seconds(20))
                    #expect(removed == 1)
                }
                try await group.waitForAll()
            }
            #expect(try await fixture.rating(of: b, by: user) == nil)
            #expect(try await fixture.miscounted().isEmpty)
        }
    }

    /// A call that was given up may still be running when the next one arrives.
    @Test("A title that is merged further while ratings move to it takes them along")
    func mergeDuringMove() async throws {
        try await Fixture.with { fixture in
            let user = Fixture.newUser()
            let (a, b, c) = (Fixture.newTitle(), Fixture.newTitle(), Fixture.newTitle())
            try await fixture.rate(a, 70, by: user)
            let moving = Database(pool: fixture.pools[1])
            let store = RatingsStore(database: Database(pool: fixture.pools[0]))
            try await store.recordMerges([TitleMove(from: a, to: b)], until: .now + .seconds(20))
            let (moved, tell) = AsyncStream.makeStream(of: Void.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await moving.transaction(until: .now + .seconds(20)) { transaction throws(PGError) in
                        let move = try await transaction.first(
                            RatingsQueries.moveRatings, [.ids([a]), .int4(10), .moment(fixture.clock.now)])
                        #expect(move?.count == 1)
                        tell.finish()
                        // The next merge arrives when the move is half done.
                        try? await Task.sleep(for: .milliseconds(500))
                    }
                }
                group.addTask {
                    for await _ in moved {}
                    let outcome = try await fixture.service.applyRedirects(
                        ApplyRedirectsParams(redirects: [TitleMove(from: b, to: c)]), Fixture.context())
                    #expect(outcome == AppliedRedirects(moved: 1, met: 0, done: true))
                }
                try await group.waitForAll()
            }
            #expect(try await fixture.rating(of: a, by: user)?.title == c)
            #expect(try await fixture.rating(of: c, by: user)?.rating.tenths == 70)
            #expect(try await fixture.miscounted().isEmpty)
        }
    }

    @Test("Of a deleted person nothing remains but the tombstone, and nothing late is taken")
    func deletion() async throws {
        try await Fixture.with { fixture in
            let (user, other) = (Fixture.newUser(), Fixture.newUser())
            let titles = (0..<30).map { _ in Fixture.newTitle() }
            _ = try await fixture.write(titles.map { Self.item($0, 80) }, by: user, key: "k")
            _ = try await fixture.write(titles.map { Self.item($0, 60) }, by: other)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for place in 0..<40 {
                    group.addTask {
                        do {
                            try await fixture.rate(titles[place % 30], 1 + place, by: user, at: place, key: "k\(place)")
                        } catch let error as RPCError {
                            #expect(error.code == RegistryError.userNotFound.code)
                        }
                    }
                }
                group.addTask {
                    _ = try await fixture.other.deletePerson(DeletePersonParams(user: user), Fixture.context())
                }
                try await group.waitForAll()
            }
            let again = try await fixture.service.deletePerson(DeletePersonParams(user: user), Fixture.context())
            #expect(again == RemovedRatings(removed: 0, done: true))
            await #expect(throws: RPCError.userNotFound("the person was deleted")) {
                try await fixture.rate(titles[0], 50, by: user)
            }
            let tables = PGStatement(
                "tests.tables",
                """
                SELECT table_name::text FROM information_schema.columns
                WHERE table_schema = current_schema() AND column_name = 'user_id' AND table_name <> 'deleted_users'
                """
            ) { row throws(PGError) in try row.next(String.self) }
            let names = try await fixture.pools[0].query(tables)
            #expect(names.count >= 4)
            for name in names {
                let count = PGStatement("tests.count", "SELECT count(*) FROM \(name) WHERE user_id = $1") {
                    row throws(PGError) in try row.next(Int.self)
                }
                #expect(try await fixture.pools[0].query(count, [.id(user)]) == [0], "\(name)")
            }
            #expect(try await fixture.miscounted().isEmpty)
            #expect(try await fixture.rating(of: titles[0], by: other)?.rating.tenths == 60)
        }
    }
}
