import Contracts
import Store
import TestSupport
import Testing

@testable import ScrobbleService

/// Ratings that are edited while a sync is about to write them.
@Suite struct RatingEditTests {
    /// Runs with a film that both sides rated 5, and that has since been rated 3 there.
    private static func run(_ body: @escaping @Sendable (SyncTest) async throws -> Void) async throws {
        try await SyncTest.run { test in
            try await test.want([.history: .off, .ratings: FacetPolicy(direction: .both)])
            test.book.rate(1, 50)
            test.book.rate(2, 60)
            try await test.sync()
            try await test.sync()
            try await test.letLagEnd()
            try await test.rateThere([1: 3, 2: 4])
            try await body(test)
        }
    }

    /// There is always a moment between looking at the rating and overwriting it.
    @Test("An edit in the very moment before the write stays, and is weighed by the next sync; the rest is written")
    func atTheWrite() async throws {
        try await Self.run { test in
            let book = test.book
            book.beforeWrite { book.rate(1, 90) }
            let run = try await test.sync()
            #expect(test.book.rated == [1: 90, 2: 40])
            let changes = try await test.changes(run)
            #expect(changes.map(\.state.rawValue).sorted() == ["done", "skipped"])
            #expect(changes.first { $0.state == .skipped }?.reason == "edited meanwhile")
            // The rating made here is later.
            try await test.sync()
            #expect(test.book.rated == [1: 90, 2: 40] && test.ratedThere == [1: 9, 2: 4])
        }
    }

    /// 5.4 is a 5 there, like the 5 before it, so it looked like what the plan had seen.
    @Test("An edit between plan and write stays although the other side could not tell it from what was there")
    func betweenPlanAndWrite() async throws {
        try await Self.run { test in
            let id = try #require(
                try await test.store.open(
                    test.lane, isDry: false, confirms: nil, at: SystemWallClock().now, until: QueueTest.deadline()))
            let book = test.book
            await test.worker { point in if point == .kept { book.rate(1, 54) } }.turn()
            #expect(test.book.rated == [1: 54, 2: 40])
            let changes = try await test.changes(try await test.run(id))
            #expect(changes.first { $0.state == .skipped }?.title == NeighbourBook.title(1))
        }
    }

    /// Previously, it was removed there, as well as being sent under the other id.
    @Test("A rating that follows a merged title, of which the sync has not heard yet, is not taken for taken back")
    func mergedMeanwhile() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: .off, .ratings: FacetPolicy(direction: .both)])
            for number in 1...9 { test.book.rate(number, 50) }
            try await test.sync()
            try await test.sync()
            try await test.letLagEnd()
            test.book.merge(1, into: 11)
            // A rating that is really removed is removed there.
            test.book.rate(2, nil)
            let changes = try await test.changes(try await test.sync())
            #expect(Set(changes.map { NeighbourBook.number($0.title) }) == [2, 11])
            #expect(test.ratedThere.keys.sorted() == [1, 3, 4, 5, 6, 7, 8, 9, 11])
        }
    }

    /// Previously, a merged series took its episodes along: they were too many together, and held back the ratings that
    /// were really removed.
    @Test("Ratings that follow merged titles are no removals to the brake")
    func mergedMany() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: .off, .ratings: FacetPolicy(direction: .both)])
            for number in 1...30 { test.book.rate(number, 50) }
            try await test.sync()
            try await test.sync()
            try await test.letLagEnd()
            for number in 1...10 { test.book.merge(number, into: 40 + number) }
            test.book.rate(11, nil)
            let run = try await test.sync()
            #expect(run.state == .done)
            let changed = try await test.changes(run).map { NeighbourBook.number($0.title) }
            #expect(changed.sorted() == [11] + Array(41...50))
            #expect(test.ratedThere.keys.sorted() == Array(1...10) + Array(12...30) + Array(41...50))
        }
    }
}
