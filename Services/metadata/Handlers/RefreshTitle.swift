import Contracts
import RPC
import Store

/// `metadata.refreshTitle`: asks the providers now, unless that has just been done; waits if another call is refreshing
/// the title already.
struct RefreshTitle: Sendable {
    /// A title refreshed more recently than this is returned as it is.
    static let intervalMin = Duration.seconds(60)
    /// How often to check whether another caller's turn has ended.
    private static let lookAgainInterval = Duration.milliseconds(200)

    let enricher: Enricher

    private var store: MetadataStore { enricher.store }

    func run(_ params: RefreshTitleParams, _ context: RPCContext) async throws(RPCError) -> Title {
        try await asking { () throws(StoreError) in
            try await refreshed(params.title, isForced: true, until: context.deadline)?.title
        }.unwrapped()
    }

    /// Returns the title after its refresh, or nil if none has this id. Returns it as it is if time runs out or, unless
    /// forced, if the last turn failed and the next is not yet due.
    func refreshed(
        _ id: TitleID, isForced: Bool, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> StoredTitle? {
        let turn = enricher.foreground(until: deadline)
        while true {
            guard let stored = try await store.title(id, until: deadline) else { return nil }
            if isForced, let enrichedAt = stored.title.enrichedAt,
                enrichedAt.duration(to: enricher.clock.now) < Self.intervalMin
            {
                return stored
            }
            if let record = try await store.begin(stored.title.id, isForced: isForced, until: deadline) {
                do throws(StoreError) {
                    let id = try await enricher.work(record, isForced: isForced, turn: turn, until: deadline)
                    return try await store.title(id, until: deadline)
                } catch {
                    // The caller may be gone; the next one should not have to wait for the lease to expire.
                    if error == .cancelled { await enricher.giveBack(record) } else { await enricher.postpone(record) }
                    throw error
                }
            }
            if !isForced, try await store.isPostponed(stored.title.id, until: deadline) { return stored }
            guard ContinuousClock.now + Self.lookAgainInterval < turn.deadline else { return stored }
            do { try await Task.sleep(for: Self.lookAgainInterval) } catch { throw .cancelled }
        }
    }
}

extension Title? {
    /// Returns the title, or throws `titleNotFound` if there is none.
    func unwrapped() throws(RPCError) -> Title {
        guard let self else { throw .titleNotFound("no title has this id") }
        return self
    }
}
