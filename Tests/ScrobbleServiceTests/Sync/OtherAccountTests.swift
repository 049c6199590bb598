import Contracts
import Cryptography
import Postgres
import Store
import Testing
import UpstreamEmulators

@testable import ScrobbleService

/// What was agreed with one account is never applied to another, whatever the remote says about whose it is.
@Suite struct OtherAccountTests {
    private static let both = FacetPolicy(direction: .both)

    /// So long ago that a reading would have to show it.
    private static let longAgo = PGCommand(
        "tests.longAgo", "UPDATE queue_outcomes SET finished_at = finished_at - interval '1 hour'")

    /// Connects with an account's tokens, as far as is known at that moment.
    private static func reconnect(_ test: SyncTest, as account: String) async throws {
        let now = SystemWallClock().now
        try await test.connections.connect(
            test.lane,
            AccountTokens(
                access: Secret(account), refresh: Secret("none"), issuedAt: now,
                expiresAt: now.advanced(by: .seconds(604_800))), usesSecret: false, until: QueueTest.deadline())
    }

    private static func hideSettings(_ isHidden: Bool, _ test: SyncTest) {
        test.trakt.behaveQuickly { $0.hidesSettings = isHidden }
    }

    private static func shownName(_ test: SyncTest) async throws -> String? {
        try await test.connections.list(of: test.user, until: QueueTest.deadline()).first?.account
    }

    @Test("Until it is known whose account was connected no sync changes anything; another one is a first contact")
    func another() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: .off, .ratings: Self.both])
            for number in 1...3 { test.book.rate(number, 50) }
            // Delivered, but no sync has confirmed it yet.
            let id = try #require(
                try await test.store.open(
                    test.lane, isDry: false, confirms: nil, at: SystemWallClock().now, until: QueueTest.deadline()))
            await test.worker().turn()
            try await test.deliver()
            #expect(test.ratedThere == [1: 5, 2: 5, 3: 5])

            Self.hideSettings(true, test)
            try await Self.reconnect(test, as: "demo-bob")
            #expect(try await Self.shownName(test) == nil, "the name of the account before is not shown")
            let refused = try await test.sync()
            #expect(refused.state == .failed && refused.changesHere == 0 && refused.changesThere == 0, "\(refused)")
            #expect(test.book.rated == [1: 50, 2: 50, 3: 50])

            Self.hideSettings(false, test)
            let first = try await test.sync()
            #expect(first.state == .done && first.changesHere == 0 && first.changesThere == 3, "\(first)")
            #expect(
                test.book.rated == [1: 50, 2: 50, 3: 50], "the new account has none of them, and that removes none")
            #expect(try await Self.shownName(test) == "demo-bob")
            #expect(try await test.run(id).done == 3, "what the account before was told is known of its run")
            let bases = try await test.store.base(of: test.lane, .ratings, until: QueueTest.deadline())
            #expect(bases.count == 3)
        }
    }

    @Test("The same account under new tokens goes on where it was: what was removed there meanwhile is removed here")
    func same() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: .off, .ratings: Self.both])
            // Connected the way a person does it, so that its key is Trakt's own.
            try await Self.reconnect(test, as: test.account)
            for number in 1...3 { test.book.rate(number, 50) }
            try await test.sync()
            try await test.letLagEnd()
            _ = try await test.sync()
            try await test.there("sync/ratings/remove", #"{"movies":[{"ids":{"trakt":2}}]}"#)
            try await Self.reconnect(test, as: test.account)
            let run = try await test.sync()
            #expect(run.state == .done && test.book.rated == [1: 50, 3: 50], "\(run)")
        }
    }

    @Test("Simkl: of another account everything is read anew, and nothing of the one before is taken for removed")
    func simkl() async throws {
        try await SimklSyncTests.run { test in
            try await test.want([.ratings: Self.both])
            for number in 1...3 { test.book.rate(number, 70) }
            try await test.sync()
            try await test.letLagEnd()
            _ = try await test.sync()
            let now = SystemWallClock().now
            try await test.connections.connect(
                test.lane,
                AccountTokens(
                    access: Secret("demo-bob"), refresh: nil, issuedAt: now,
                    expiresAt: now.advanced(by: .seconds(157_680_000))), usesSecret: false, until: QueueTest.deadline())
            let before = test.lastCall
            let first = try await test.sync()
            #expect(first.state == .done && first.changesHere == 0 && first.changesThere == 3, "\(first)")
            #expect(test.book.rated == [1: 70, 2: 70, 3: 70])
            #expect(
                Array(test.calls(after: before).prefix(3)) == [
                    "POST /users/settings", "GET /sync/activities", "GET /sync/all-items/shows",
                ])
            #expect(test.simkl.items(of: "demo-bob")[2]?.rating == 7)
        }
    }

    @Test("What was delivered to the account before, and not looked at since, does not come into the other one's base")
    func delivered() async throws {
        try await SyncTest.run { test in
            try await test.want([.history: .off, .ratings: Self.both])
            for number in 1...3 { test.book.rate(number, 50) }
            _ = try await test.store.open(
                test.lane, isDry: false, confirms: nil, at: SystemWallClock().now, until: QueueTest.deadline())
            await test.worker().turn()
            try await test.deliver()
            try await test.pool.execute(Self.longAgo)
            try await Self.reconnect(test, as: "demo-bob")
            let first = try await test.sync()
            #expect(first.state == .done && first.changesHere == 0 && first.changesThere == 3, "\(first)")
            #expect(test.book.rated == [1: 50, 2: 50, 3: 50])
        }
    }
}
