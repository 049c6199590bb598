import Contracts
import Logging
import Store

/// Works the titles whose refresh is due, any number of replicas side by side: each title is one replica's for a turn.
struct RefreshWorker: Sendable {
    /// Every bound of the worker.
    struct Limits: Sendable {
        /// Titles that one replica works at the same moment.
        var titlesMax = 64
        /// How often due titles are looked for, and demand is written.
        var interval = Duration.seconds(2)
        /// How long finding due titles, and writing demand, may take.
        var storeTimeout = Duration.seconds(10)
    }

    let enricher: Enricher
    let demand: DemandBook
    let logger: Logger
    var limits = Limits()

    private enum Event: Sendable {
        case worked, tick
    }

    /// Runs until its task is cancelled; a turn that is under way then ends, or is another replica's when its lease is
    /// over.
    func run() async {
        await withTaskGroup(of: Event.self) { group in
            var running = 0
            var isTimeToLook = true
            group.addTask { await tick() }
            while !Task.isCancelled {
                // Some at a time, so that a title's end costs no look of its own.
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

    /// Writes what people look at; also when the service stops.
    func flushDemand() async {
        let due = demand.take()
        do {
            try await enricher.store.want(due, until: .now + limits.storeTimeout)
        } catch {
            logger.warning("demand was not written", metadata: ["cause": "\(error)"])
        }
    }

    private func due(_ count: Int) async -> [TitleRecord] {
        guard count > 0 else { return [] }
        do {
            return try await enricher.store.leaseDue(count, until: .now + limits.storeTimeout)
        } catch {
            logger.warning("due titles were not read", metadata: ["cause": "\(error)"])
            return []
        }
    }

    private func work(_ record: TitleRecord) async -> Event {
        let turn = enricher.background()
        do {
            _ = try await enricher.work(
                record, isForced: false, turn: turn, until: turn.deadline + limits.storeTimeout)
        } catch {
            // The lease runs out and another turn begins; nothing was written.
            logger.warning("a refresh was not stored", metadata: ["title": "\(record.title.id)", "cause": "\(error)"])
        }
        return .worked
    }
}
