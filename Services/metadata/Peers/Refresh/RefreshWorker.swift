import Contracts
import Logging
import Store
import Synchronization

/// Refreshes the titles that are due, with any number of replicas side by side: each title is leased to one for a turn.
struct RefreshWorker: Sendable {
    let enricher: Enricher
    let demand: DemandBook
    let logger: Logger
    /// The turns that this replica holds.
    private let turns = TurnBook()
    private let limits: RefreshLimits

    init(enricher: Enricher, demand: DemandBook, logger: Logger, limits: RefreshLimits = RefreshLimits()) {
        self.enricher = enricher
        self.demand = demand
        self.logger = logger
        self.limits = limits
    }

    private enum Event: Sendable {
        case worked, tick
    }

    /// Runs until its task is cancelled; turns under way then end without writing, and `flush` gives them back.
    func run() async {
        await withTaskGroup(of: Event.self) { group in
            var running = 0
            var isTimeToLook = true
            group.addTask { await tick() }
            while !Task.isCancelled {
                // Several at a time, so that not every finished title costs a lookup of its own.
                let free = limits.titlesMax - running
                if isTimeToLook, free * 4 >= limits.titlesMax {
                    let records = await due(free)
                    for record in records {
                        running += 1
                        group.addTask { await work(record) }
                    }
                    isTimeToLook = records.count == free
                }
                switch await group.next() {
                case .worked:
                    running -= 1
                case .tick:
                    isTimeToLook = true
                    await flushDemand()
                    group.addTask { await tick() }
                case nil: return
                }
            }
            group.cancelAll()
        }
    }

    private func tick() async -> Event {
        try? await Task.sleep(for: limits.interval * Double.random(in: 0.8...1.2))
        return .tick
    }

    /// Writes the demand and gives back unfinished turns when the service stops, so that other replicas need not wait
    /// for the leases to expire.
    func flush() async {
        await flushDemand()
        let left = turns.take()
        guard !left.isEmpty else { return }
        do {
            try await enricher.store.release(left, until: .now + limits.storeTimeout)
        } catch {
            logger.warning("failed to give turns back", metadata: ["count": "\(left.count)", "cause": "\(error)"])
        }
    }

    private func flushDemand() async {
        let due = demand.take()
        do {
            try await enricher.store.want(due, until: .now + limits.storeTimeout)
        } catch {
            logger.warning("failed to write demand", metadata: ["cause": "\(error)"])
        }
    }

    private func due(_ count: Int) async -> [TitleRecord] {
        guard count > 0 else { return [] }
        do {
            let records = try await enricher.store.leaseDue(count, until: .now + limits.storeTimeout)
            turns.begin(records)
            return records
        } catch {
            logger.warning("failed to read due titles", metadata: ["cause": "\(error)"])
            return []
        }
    }

    private func work(_ record: TitleRecord) async -> Event {
        let turn = enricher.background()
        do throws(StoreError) {
            _ = try await enricher.work(
                record, isForced: false, turn: turn, until: turn.deadline + limits.storeTimeout)
        } catch .cancelled {
            return .worked
        } catch {
            await enricher.postpone(record)
            logger.warning("failed to store a refresh", metadata: ["title": "\(record.title.id)", "cause": "\(error)"])
        }
        turns.end(record)
        return .worked
    }
}

/// A turn of a title, identified by its fence.
struct TitleTurn: Sendable, Hashable {
    let title: TitleID
    let fence: Int64
}

/// The turns that one replica has begun and not ended.
private final class TurnBook: Sendable {
    private let turns = Mutex<Set<TitleTurn>>([])

    func begin(_ records: [TitleRecord]) {
        turns.withLock { turns in
            for record in records { turns.insert(TitleTurn(title: record.title.id, fence: record.fence)) }
        }
    }

    func end(_ record: TitleRecord) {
        turns.withLock { _ = $0.remove(TitleTurn(title: record.title.id, fence: record.fence)) }
    }

    func take() -> [TitleTurn] {
        turns.withLock { turns in
            defer { turns = [] }
            return Array(turns)
        }
    }
}
