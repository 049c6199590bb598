import Contracts
import RPC
import Store

/// Copies from metadata which episodes a show has, so that rules about plays need no call.
struct EpisodeGuide: Sendable {
    private let metadata: MetadataClient
    private let refs: TitleRefStore
    private let clock: any WallClock

    /// How long a show's episodes stay valid.
    static let life = Duration.seconds(24 * 3_600)
    private static let pageRows = 100

    init(metadata: MetadataClient, refs: TitleRefStore, clock: any WallClock) {
        self.metadata = metadata
        self.refs = refs
        self.clock = clock
    }

    /// Ensures that a show's episodes are known and recent. While metadata cannot be asked, any existing copy serves.
    func refresh(_ series: TitleID, _ context: RPCContext) async throws(RPCError) {
        let takenAt = try await asking { () throws(StoreError) in
            try await refs.episodesAt(of: series, until: context.deadline)
        }
        if let takenAt, takenAt.duration(to: clock.now) < Self.life { return }
        do throws(RPCError) {
            try await take(series, context.outgoing(), until: context.deadline)
        } catch {
            guard takenAt != nil else { throw error }
        }
    }

    /// Copies the episodes of a show, season by season; at most about `LedgerLimits.guideEpisodesMax`.
    func take(
        _ series: TitleID, _ call: RPCCall, until deadline: ContinuousClock.Instant
    ) async throws(RPCError) {
        var episodes: [TitleRef] = []
        for season in try await children(of: series, call) {
            guard episodes.count < LedgerLimits.guideEpisodesMax else { break }
            episodes += try await children(of: season.id, call).map { TitleRef($0) }
        }
        // An episode that metadata assigns elsewhere is not this show's.
        let taken = episodes.filter { $0.series == series && $0.kind == .episode }
        try await asking { () throws(StoreError) in
            try await refs.take(taken, of: series, at: clock.now, until: deadline)
        }
    }

    private func children(of title: TitleID, _ call: RPCCall) async throws(RPCError) -> [Title] {
        var children: [Title] = []
        var after: Int?
        repeat {
            let page = try await metadata.listChildren(
                ListChildrenParams(title: title, after: after, limit: Self.pageRows), call)
            children += page.children
            after = page.nextAfter
        } while after != nil && children.count < LedgerLimits.guideEpisodesMax
        return children
    }
}
