import Contracts
import JSON
import Logging
import Postgres
import RPC
import Store
import Synchronization
import TestSupport
import Testing

@testable import ScrobbleService

/// How a replica follows merges of titles and finds the series of episodes, with stand-ins for metadata and ratings.
@Suite struct LedgerKeeperTests {
    /// Metadata with a feed of merges, and ratings that apply them in two steps; either may fail.
    private final class Neighbours: RPCCaller {
        struct State {
            var feed: [TitleRedirect] = []
            var titles: [TitleID: Title] = [:]
            /// The moves sent to ratings, call by call.
            var told: [[TitleMove]] = []
            var asked: [Int] = []
            var ratingsFailures = 0
            var isHalf = false
        }

        let state = Mutex(State())

        func call<Params: JSONEncodable, Result: JSONDecodable>(
            _ method: RPCMethod, _ params: Params, _ call: RPCCall
        ) async throws(RPCError) -> Result {
            let answer: Any?
            switch params {
            case let params as ListRedirectsParams:
                answer = state.withLock { state in
                    state.asked.append(params.after)
                    return TitleRedirects(
                        redirects: Array(state.feed.filter { $0.number > params.after }.prefix(params.limit ?? 1)))
                }
            case let params as ApplyRedirectsParams:
                answer = state.withLock { state -> AppliedRedirects? in
                    if state.ratingsFailures > 0 {
                        state.ratingsFailures -= 1
                        return nil
                    }
                    state.told.append(params.redirects)
                    // The first of two answers never says that it is done.
                    state.isHalf.toggle()
                    return AppliedRedirects(moved: 0, met: 0, done: !state.isHalf)
                }
                if answer == nil { throw .unavailable("ratings is away") }
            case let params as GetTitlesParams:
                answer = state.withLock { state in
                    FoundTitles(
                        found: params.titles.compactMap { id in
                            state.titles[id].map { FoundTitle(asked: id, title: $0) }
                        })
                }
            default:
                Issue.record("nobody expects \(method.name)")
                throw .internal("unexpected")
            }
            guard let answer = answer as? Result else { throw .internal("another answer was wanted") }
            return answer
        }
    }

    private static func keeper(_ fixture: LedgerFixture, _ others: Neighbours) -> LedgerKeeper {
        let database = Database(pool: fixture.pool)
        let refs = TitleRefStore(database: database)
        let (metadata, ratings) = (MetadataClient(others), RatingsClient(others))
        return LedgerKeeper(
            metadata: metadata, ratings: ratings, refs: refs,
            guide: EpisodeGuide(metadata: metadata, refs: refs, clock: SystemWallClock()),
            turns: QueueStore(database: database),
            undoing: BatchUndo(
                batches: fixture.batches, ratings: ratings,
                syncs: SyncUndo(
                    store: SyncStore(database: database, ids: LedgerFixture.ids), clock: SystemWallClock(),
                    ids: LedgerFixture.ids), clock: SystemWallClock()),
            worker: LedgerFixture.ids.next(), clock: SystemWallClock(), logger: Logger(label: "tests"))
    }

    private static func redirect(_ number: Int, _ old: Int, _ new: Int) -> TitleRedirect {
        TitleRedirect(
            number: number, old: LedgerFixture.title(old), new: LedgerFixture.title(new),
            mergedAt: LedgerFixture.start)
    }

    @Test("Merges are followed page by page, here and in ratings; the place moves on last, so a failure repeats a page")
    func redirects() async throws {
        try await LedgerFixture.with { fixture in
            let others = Neighbours()
            let keeper = Self.keeper(fixture, others)
            _ = try await fixture.add([fixture.play(1, at: 0, from: "trakt", key: "a")], nil)
            // More than one page; the last merge continues from the first.
            others.state.withLock { state in
                state.feed =
                    [Self.redirect(3, 1, 2)] + (0..<500).map { Self.redirect(4 + $0, 10_000 + $0, 20_000 + $0) }
                state.feed.append(Self.redirect(600, 2, 7))
                state.ratingsFailures = 1
            }
            await #expect(throws: (any Error).self) {
                try await keeper.followRedirects(until: LedgerFixture.deadline())
            }
            let refs = keeper.refs
            #expect(try await refs.redirectPlace(until: LedgerFixture.deadline()) == 0)
            // What is agreed with other accounts must not be ahead of ratings: anything missing there would count as
            // removed.
            let store = ScrobbleStore(database: Database(pool: fixture.pool))
            let before = try await store.plays(
                of: fixture.user, after: .newest, limit: 9, until: LedgerFixture.deadline())
            #expect(before.map(\.play.title) == [LedgerFixture.title(1)])
            try await keeper.followRedirects(until: LedgerFixture.deadline())
            #expect(try await refs.redirectPlace(until: LedgerFixture.deadline()) == 600)
            let history = try await store.plays(
                of: fixture.user, after: .newest, limit: 9, until: LedgerFixture.deadline())
            #expect(history.map(\.play.title) == [LedgerFixture.title(7)])
            let (told, asked) = others.state.withLock { ($0.told, $0.asked) }
            // Each page was repeated until ratings was done with it.
            #expect(told.map(\.count) == [500, 500, 2, 2])
            #expect(told.last?.last == TitleMove(from: LedgerFixture.title(2), to: LedgerFixture.title(7)))
            #expect(asked == [0, 0, 502])
            // Nothing is new, so nothing is sent.
            try await keeper.followRedirects(until: LedgerFixture.deadline())
            #expect(others.state.withLock { $0.told.count } == 4)
        }
    }

    @Test("The play of a sitting finds its series, though the player told of none")
    func series() async throws {
        try await LedgerFixture.with { fixture in
            let others = Neighbours()
            let (episode, series) = (LedgerFixture.title(1), LedgerFixture.title(50))
            others.state.withLock { state in
                state.titles[episode] = Title(
                    id: episode, kind: .episode, name: "One", series: series, seasonNumber: 1, episodeNumber: 1,
                    genres: [], externalIds: ExternalIds(), externalRatings: [], isLocal: false)
            }
            let playback = PlaybackStore(database: Database(pool: fixture.pool), ids: LedgerFixture.ids)
            let sitting = Sitting(
                id: PlaybackSessionID(LedgerFixture.ids.next()), user: fixture.user, title: episode, kind: .episode,
                progressPercent: 0, startedAt: LedgerFixture.start, expiresAt: LedgerFixture.at(7_200))
            let session = try await playback.open(sitting, until: LedgerFixture.deadline())
            let stop = PlaybackStore.Stop(
                user: fixture.user, session: session.id, progressPercent: 95, at: LedgerFixture.at(3_000))
            _ = try await playback.close(stop, until: LedgerFixture.deadline())
            let homes = PGStatement("tests.homes", "SELECT series_id FROM plays WHERE user_id = $1") {
                row throws(PGError) in try row.next(TitleID?.self)
            }
            #expect(try await fixture.pool.query(homes, [.id(fixture.user)]) == [nil])
            try await Self.keeper(fixture, others).bringHome(until: LedgerFixture.deadline())
            #expect(try await fixture.pool.query(homes, [.id(fixture.user)]) == [series])
        }
    }
}
