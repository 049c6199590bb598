import Contracts
import JSON
import Postgres
import Store
import TestSupport
import Testing

@testable import RatingsService

/// Ratings in a real Postgres.
@Suite struct RatingsStoreTests {
    private static let ids = SystemIDSource()

    private static func deadline() -> ContinuousClock.Instant { .now.advanced(by: .seconds(20)) }

    private static func rating(_ title: TitleID, tenths: Int, review: String? = nil) -> Rating {
        let now = SystemWallClock().now
        return Rating(
            title: title, kind: .movie, rating: DecimalTenths(tenths: tenths), review: review, spoiler: false,
            ratedAt: now, updatedAt: now)
    }

    private static func withStores(_ body: ([RatingsStore]) async throws -> Void) async throws {
        try await TestDatabase.withReplicas(2, migrations: RatingsService.migrations) { pools in
            try await body(pools.map { RatingsStore(database: Database(pool: $0)) })
        }
    }

    @Test("Every rating from 0.1 to 10.0 comes back as it went in")
    func roundTrip() async throws {
        try await Self.withStores { stores in
            let (user, title) = (UserID(Self.ids.next()), TitleID(Self.ids.next()))
            for tenths in 1...100 {
                let rating = Self.rating(title, tenths: tenths, review: tenths % 2 == 0 ? "Wunderbar 🎬\n\"é\"" : nil)
                try await stores[0].upsert(rating, of: user, until: Self.deadline())
                #expect(try await stores[1].rating(of: title, by: user, until: Self.deadline()) == rating)
            }
        }
    }

    @Test("What lies outside is refused by the database too", arguments: [0, 101, -1])
    func bounds(tenths: Int) async throws {
        try await Self.withStores { stores in
            await #expect(throws: StoreError.conflict(constraint: "user_ratings_rating_check")) {
                try await stores[0].upsert(
                    Self.rating(TitleID(Self.ids.next()), tenths: tenths), of: UserID(Self.ids.next()),
                    until: Self.deadline())
            }
        }
    }

    @Test("Many who rate and take back one title at once leave one rating or none, and a removal is told once")
    func race() async throws {
        try await Self.withStores { stores in
            let (user, title) = (UserID(Self.ids.next()), TitleID(Self.ids.next()))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 1...100 {
                    let rating = Self.rating(title, tenths: number)
                    group.addTask { try await stores[number % 2].upsert(rating, of: user, until: Self.deadline()) }
                }
                try await group.waitForAll()
            }
            #expect(try await stores[0].ratings(of: [title], by: user, until: Self.deadline()).count == 1)
            let removals = try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<20 {
                    group.addTask { try await stores[number % 2].remove(title, of: user, until: Self.deadline()) }
                }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(removals == 1)
        }
    }

    @Test("Only the person's own ratings are found, and only of the titles asked for")
    func several() async throws {
        try await Self.withStores { stores in
            let (user, other) = (UserID(Self.ids.next()), UserID(Self.ids.next()))
            let titles = (0..<5).map { _ in TitleID(Self.ids.next()) }
            for title in titles.dropLast() {
                try await stores[0].upsert(Self.rating(title, tenths: 85), of: user, until: Self.deadline())
            }
            try await stores[0].upsert(Self.rating(titles[4], tenths: 10), of: other, until: Self.deadline())
            let found = try await stores[0].ratings(of: Array(titles[1...]), by: user, until: Self.deadline())
            #expect(Set(found.map(\.title)) == Set(titles[1...3]))
        }
    }
}
