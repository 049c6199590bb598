import Contracts
import Logging
import RPC
import Store

/// Keeps the ledger in step with metadata, and completes undos that a crash interrupted: one replica at a time.
struct LedgerKeeper: Sendable {
    /// The interval between rounds, across all replicas.
    static let interval = Duration.seconds(15)
    /// The number of merged titles applied together; a call to ratings takes 500.
    private static let redirectsMax = 500
    /// The number of episodes whose series is requested in one call.
    private static let homelessMax = 500
    /// The number of shows whose episodes are copied in one round.
    private static let guidesMax = 5
    private static let undoingsMax = 10

    let metadata: MetadataClient
    let ratings: RatingsClient
    let refs: TitleRefStore
    let guide: EpisodeGuide
    let turns: QueueStore
    let undoing: BatchUndo
    let worker: UUIDBits
    let clock: any WallClock
    let logger: Logger

    init(
        metadata: MetadataClient, ratings: RatingsClient, refs: TitleRefStore, guide: EpisodeGuide, turns: QueueStore,
        undoing: BatchUndo, worker: UUIDBits, clock: any WallClock, logger: Logger
    ) {
        self.metadata = metadata
        self.ratings = ratings
        self.refs = refs
        self.guide = guide
        self.turns = turns
        self.undoing = undoing
        self.worker = worker
        self.clock = clock
        self.logger = logger
    }

    func run() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.interval * Double.random(in: 0.4...0.6))
            guard !Task.isCancelled else { return }
            // What fails now is done in the next round.
            await turn("ledger.redirects") { deadline in try await followRedirects(until: deadline) }
            await turn("ledger.series") { deadline in try await bringHome(until: deadline) }
            await turn("ledger.guides") { deadline in try await refreshGuides(until: deadline) }
            await turn("ledger.undoings") { deadline in
                for key in try await undoing.pending(limit: Self.undoingsMax, until: deadline) {
                    try await undoing.finish(key.batch, of: key.user, until: deadline)
                }
            }
        }
    }

    private func turn(
        _ name: String, _ work: (ContinuousClock.Instant) async throws -> Void
    ) async {
        let deadline = ContinuousClock.now + Self.interval
        do {
            guard try await turns.takeTurn(name, every: Self.interval, as: worker, until: deadline) else { return }
            try await work(deadline)
        } catch {
            logger.debug("ledger round postponed", metadata: ["round": "\(name)", "cause": "\(error)"])
        }
    }

    /// Re-keys ratings and the ledger, page by page. Ratings come first: a sync that finds something agreed on under
    /// the remaining id, with no rating there yet, would take it for removed. The position in the feed advances last,
    /// so a crash repeats a page, which changes nothing more.
    func followRedirects(until deadline: ContinuousClock.Instant) async throws {
        var isMore = true
        while isMore {
            let place = try await refs.redirectPlace(until: deadline)
            let redirects = try await metadata.listRedirects(
                ListRedirectsParams(after: place, limit: Self.redirectsMax), RPCCall(deadline: deadline)
            ).redirects
            guard let last = redirects.last else { return }
            let moves = redirects.map { TitleMove(from: $0.old, to: $0.new) }
            var isDone = false
            while !isDone {
                isDone = try await ratings.applyRedirects(
                    ApplyRedirectsParams(redirects: moves), RPCCall(deadline: deadline)
                ).done
            }
            for step in TitleMoves.steps(redirects) { try await refs.apply(step, until: deadline) }
            try await refs.setRedirectPlace(last.number, until: deadline)
            isMore = redirects.count == Self.redirectsMax
        }
    }

    /// Asks metadata for the series of played episodes that came without one.
    func bringHome(until deadline: ContinuousClock.Instant) async throws {
        var isMore = true
        while isMore {
            let now = clock.now
            let titles = try await refs.homeless(
                since: now.advanced(by: .zero - EpisodeGuide.life), limit: Self.homelessMax, until: deadline)
            guard !titles.isEmpty else { return }
            let found = try await metadata.getTitles(
                GetTitlesParams(titles: titles), RPCCall(deadline: deadline)
            ).found
            let known = Set(found.map(\.title.id))
            // A title unknown to metadata is asked for again later, not in each round.
            let unknown = titles.filter { !known.contains($0) }.map { TitleRef(unknown: $0) }
            try await refs.remember(found.map { TitleRef($0.title) } + unknown, at: now, until: deadline)
            try await refs.bringHome(titles, until: deadline)
            isMore = titles.count == Self.homelessMax
        }
    }

    private func refreshGuides(until deadline: ContinuousClock.Instant) async throws {
        let stale = try await refs.stale(
            before: clock.now.advanced(by: .zero - EpisodeGuide.life), limit: Self.guidesMax, until: deadline)
        for series in stale {
            do throws(RPCError) {
                try await guide.take(series, RPCCall(deadline: deadline), until: deadline)
            } catch {
                guard error.code == RPCError.titleNotFound("").code else { throw error }
                // It no longer exists: it has no episodes, and is asked for again in a day.
                try await refs.take([], of: series, at: clock.now, until: deadline)
            }
        }
    }
}
