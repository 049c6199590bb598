import Contracts
import JSON
import RPC
import Store
import TestSupport
import Testing

@testable import RatingsService

/// How ratings change, and how history and aggregates follow.
@Suite struct ChangeTests {
    private typealias Fixture = RatingsFixture

    @Test("Every rating from 0.1 to 10.0 comes back as it went in")
    func roundTrip() async throws {
        try await Fixture.with { fixture in
            let (user, title) = (Fixture.newUser(), Fixture.newTitle())
            for tenths in 1...100 {
                fixture.clock.advance(.seconds(1))
                let review = tenths % 2 == 0 ? "Wunderbar 🎬\n\"é\" שלום" : ""
                let rated = try await fixture.rate(title, tenths, by: user, review: review)
                #expect(rated.version == tenths)
                #expect(rated.review == (review.isEmpty ? nil : review))
                #expect(try await fixture.rating(of: title, by: user) == rated)
            }
            #expect(try await fixture.miscounted().isEmpty)
        }
    }

    @Test("A review that is left out stays, an empty one goes")
    func reviews() async throws {
        try await Fixture.with { fixture in
            let (user, title) = (Fixture.newUser(), Fixture.newTitle())
            try await fixture.rate(title, 80, by: user, review: "Holds up.")
            fixture.clock.advance(.seconds(1))
            #expect(try await fixture.rate(title, 90, by: user).review == "Holds up.")
            fixture.clock.advance(.seconds(1))
            #expect(try await fixture.rate(title, 90, by: user, review: "").review == nil)
        }
    }

    @Test("Saying the same again makes no change")
    func same() async throws {
        try await Fixture.with { fixture in
            let (user, title) = (Fixture.newUser(), Fixture.newTitle())
            let first = try await fixture.rate(title, 80, by: user, ratedAt: fixture.clock.now)
            fixture.clock.advance(.seconds(9))
            let again = try await fixture.rate(title, 80, by: user, ratedAt: first.ratedAt)
            #expect(again == first)
            #expect(try await fixture.feed(of: user).count == 1)
        }
    }

    @Test("100 who write one rating at once: the last one to arrive stays, the history has them all")
    func race() async throws {
        try await Fixture.with { fixture in
            let (user, title) = (Fixture.newUser(), Fixture.newTitle())
            let answers = try await withThrowingTaskGroup(of: Rating.self) { group in
                for tenths in 1...100 {
                    group.addTask { try await fixture.rate(title, tenths, by: user, at: tenths) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(answers.compactMap(\.version)) == Set(1...100))
            let feed = try await fixture.feed(of: user, step: 7)
            #expect(feed.map(\.version) == Array(1...100))
            #expect(Set(feed.compactMap(\.rating).map(\.tenths)) == Set(1...100))
            for (before, after) in zip(feed, feed.dropFirst()) { #expect(after.old == before.rating) }
            #expect(try await fixture.rating(of: title, by: user)?.rating == feed.last?.rating)
            #expect(try await fixture.miscounted().isEmpty)
        }
    }

    @Test("Aggregates equal a recount, whoever rates, takes back, imports, undoes and leaves at the same moment")
    func recount() async throws {
        var random = SeededRandom(seed: .random(in: 0 ... .max))
        let seed = random.seed
        try await Fixture.with { fixture in
            let users = (0..<12).map { _ in Fixture.newUser() }
            let titles = (0..<6).map { _ in Fixture.newTitle() }
            let batches = (0..<4).map { _ in Fixture.newBatch() }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for step in 0..<400 {
                    let (user, title) = (users.randomElement(using: &random)!, titles.randomElement(using: &random)!)
                    let tenths = Int.random(in: 1...100, using: &random)
                    let batch = batches.randomElement(using: &random)!
                    let choice = step == 300 ? 99 : Int.random(in: 0..<10, using: &random)
                    let service = fixture.services[step % 2]
                    group.addTask {
                        do {
                            switch choice {
                            case 0...4: try await fixture.rate(title, tenths, by: user, at: step)
                            case 5, 6:
                                _ = try await service.unrateTitle(
                                    UnrateTitleParams(user: user, title: title), Fixture.context())
                            case 7, 8:
                                let items = titles.enumerated().map {
                                    RatingWrite(
                                        title: $1, kind: .movie,
                                        rating: ($0 + step) % 4 == 0 ? nil : DecimalTenths(tenths: tenths))
                                }
                                _ = try await fixture.write(items, by: user, batch: batch)
                            case 99:
                                _ = try await service.deletePerson(
                                    DeletePersonParams(user: users[0]), Fixture.context())
                            default:
                                _ = try await service.restoreBatch(
                                    RestoreBatchParams(user: user, batch: batch, undo: Fixture.newBatch()),
                                    Fixture.context())
                            }
                        } catch let error as RPCError where error.code == RegistryError.userNotFound.code {
                            #expect(user == users[0])
                        }
                    }
                }
                try await group.waitForAll()
            }
            _ = try await fixture.service.applyRedirects(
                ApplyRedirectsParams(redirects: [TitleMove(from: titles[0], to: titles[1])]), Fixture.context())
            let wrong = try await fixture.miscounted()
            #expect(wrong.isEmpty, "seed \(seed)")
            for user in users.dropFirst() {
                let feed = try await fixture.feed(of: user, step: 50)
                #expect(feed.map(\.version) == Array(1..<(feed.count + 1)), "seed \(seed)")
                var state: [TitleID: DecimalTenths] = [:]
                for change in feed {
                    #expect(change.old == state[change.title], "seed \(seed)")
                    state[change.title] = change.rating
                }
                let standing = try await fixture.service.getRatings(
                    GetRatingsParams(user: user, titles: titles), Fixture.context()
                ).ratings
                #expect(
                    Dictionary(uniqueKeysWithValues: standing.map { ($0.title, $0.rating) }) == state, "seed \(seed)")
            }
        }
    }

    @Test("64 people who rate one title at once are all counted")
    func hot() async throws {
        try await Fixture.with { fixture in
            let title = Fixture.newTitle()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<64 {
                    group.addTask { try await fixture.rate(title, 1 + number, by: Fixture.newUser(), at: number) }
                }
                try await group.waitForAll()
            }
            let summary = try await fixture.service.getSummaries(
                GetSummariesParams(titles: [title]), Fixture.context()
            ).summaries[0]
            #expect(summary.count == 64)
            #expect(summary.average == 3.25)
            #expect(summary.distribution == [14, 10, 10, 10, 10, 10, 0, 0, 0, 0])
        }
    }

    @Test("A version that the caller has not seen is not overwritten")
    func precondition() async throws {
        try await Fixture.with { fixture in
            let (user, title) = (Fixture.newUser(), Fixture.newTitle())
            try await fixture.rate(title, 80, by: user, expected: 0)
            fixture.clock.advance(.seconds(1))
            await #expect(throws: RPCError.preconditionFailed("the rating is not at version 0")) {
                try await fixture.rate(title, 90, by: user, expected: 0)
            }
            #expect(try await fixture.rate(title, 90, by: user, expected: 1).version == 2)
        }
    }

    @Test("100 posts with one key at once have one effect and one answer; another body is refused")
    func keys() async throws {
        try await Fixture.with { fixture in
            let (user, title) = (Fixture.newUser(), Fixture.newTitle())
            let answers = try await withThrowingTaskGroup(of: Rating.self) { group in
                for place in 0..<100 {
                    group.addTask { try await fixture.rate(title, 80, by: user, at: place, review: "Once.", key: "k") }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(answers).count == 1)
            #expect(try await fixture.feed(of: user).count == 1)
            await #expect(throws: RPCError.self) { try await fixture.rate(title, 90, by: user, key: "k") }
            // Other people's keys are their own.
            try await fixture.rate(title, 90, by: Fixture.newUser(), key: "k")
            fixture.clock.advance(.seconds(60))
            try await fixture.rate(title, 90, by: user)
            #expect(try await fixture.rate(title, 80, by: user, review: "Once.", key: "k") == answers[0])
            #expect(try await fixture.rating(of: title, by: user)?.rating == DecimalTenths(tenths: 90))
        }
    }

    @Test("An item that the caller refuses is invalid, unless it was taken under its key before")
    func refusedByCaller() async throws {
        try await Fixture.with { fixture async throws in
            let user = Fixture.newUser()
            let (one, other) = (Fixture.newTitle(), Fixture.newTitle())
            func item(_ title: TitleID, _ tenths: Int) -> RatingWrite {
                RatingWrite(title: title, kind: .movie, rating: DecimalTenths(tenths: tenths))
            }
            func refused(_ title: TitleID, _ tenths: Int) -> RatingWrite {
                var write = item(title, tenths)
                write.refused = true
                write.expectedVersion = 9
                return write
            }
            let first = try await fixture.write([item(one, 80), item(one, 70)], by: user, key: "k")
            #expect(first.map(\.result) == [.repeated, .created])
            let again = try await fixture.write([item(one, 80), refused(one, 70)], by: user, key: "k")
            #expect(again == first)
            let others = try await fixture.write([item(other, 60), refused(other, 50)], by: user, key: "l")
            #expect(others.map(\.result) == [.created, .invalid])
            #expect(try await fixture.rating(of: other, by: user)?.rating.tenths == 60)
        }
    }
}
