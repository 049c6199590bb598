package import Contracts
package import Store
import Synchronization

/// The points of a run at which a test kills its worker.
package enum SyncPoint: String, Sendable, CaseIterable {
    case claimed
    case drafted
    case kept
    case wroteOurs
    case appliedOurs
    case queuedTheirs
    case finished
}

/// Claims sync runs and carries them out. Any number of workers may run, on any machine: a run is a lease with a fence.
package struct SyncWorker: Sendable {
    private let store: SyncStore
    private let connections: ConnectionStore
    private let queue: QueueWorker
    private let drafter: SyncDrafter
    private let applier: SyncApplier
    private let clock: any WallClock
    /// The providers whose accounts it reads.
    package let providers: [SyncProvider]
    private let observe: @Sendable (SyncPoint) -> Void
    private let tell: @Sendable (SyncProvider, SyncRunState) -> Void
    /// Rings when a run was requested.
    package let bell = QueueBell()

    package init(
        store: SyncStore, connections: ConnectionStore, ledger: LedgerStore, shelves: ShelfStore, batches: BatchStore,
        queue: QueueWorker, readers: [SyncProvider: any RemoteReader],
        neighbours: any SyncNeighbours, clock: any WallClock, ids: any IDSource,
        observe: @escaping @Sendable (SyncPoint) -> Void = { _ in },
        tell: @escaping @Sendable (SyncProvider, SyncRunState) -> Void = { _, _ in }
    ) {
        self.store = store
        self.connections = connections
        self.queue = queue
        self.clock = clock
        self.observe = observe
        self.tell = tell
        providers = Array(readers.keys)
        drafter = SyncDrafter(
            readers: readers, store: store, connections: connections, neighbours: neighbours, shelves: shelves,
            ledger: ledger, clock: clock)
        applier = SyncApplier(
            store: store, ledger: ledger, shelves: shelves, batches: batches, neighbours: neighbours, clock: clock,
            ids: ids, observe: observe)
    }

    /// The number of runs in progress.
    private final class UnderWay: Sendable {
        private let state = Mutex(0)
        var count: Int { state.withLock { $0 } }
        func add(_ number: Int) { state.withLock { $0 += number } }
    }

    /// Works until the task is cancelled. A run that takes minutes holds up no other.
    package func run() async {
        let underWay = UnderWay()
        await withDiscardingTaskGroup { group in
            var nextPoll = ContinuousClock.now
            while !Task.isCancelled {
                if ContinuousClock.now >= nextPoll {
                    await poll()
                    nextPoll = .now + store.limits.pollPause * Double.random(in: 0.75...1.25)
                }
                let runs = await claim(store.limits.runsMax - underWay.count)
                underWay.add(runs.count)
                for run in runs {
                    group.addTask {
                        await self.work(run)
                        underWay.add(-1)
                        // There is room again.
                        self.bell.ring()
                    }
                }
                if runs.isEmpty { await bell.wait(atMost: store.limits.poll * Double.random(in: 0.75...1.25)) }
            }
        }
    }

    /// Requests syncs of connections that have not been checked for a while. One that finds no changes costs one call.
    package func poll() async { _ = try? await store.openDue(of: providers, until: .now + .seconds(10)) }

    /// Claims due runs and carries them out; returns how many there were.
    @discardableResult
    package func turn() async -> Int {
        let runs = await claim(store.limits.runsMax)
        await withDiscardingTaskGroup { group in
            for run in runs { group.addTask { await self.work(run) } }
        }
        return runs.count
    }

    /// Returns none if the database fails: they are claimed next time.
    private func claim(_ count: Int) async -> [ClaimedRun] {
        guard count > 0 else { return [] }
        return (try? await store.claim(count, of: providers, until: .now + .seconds(5))) ?? []
    }

    private func work(_ run: ClaimedRun) async {
        observe(.claimed)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.keepLease(of: run) }
            group.addTask { await self.go(run) }
            await group.next()
            group.cancelAll()
        }
    }

    private func keepLease(of run: ClaimedRun) async {
        while !Task.isCancelled {
            do { try await Task.sleep(for: store.limits.lease / 3) } catch { return }
            guard (try? await store.hold(run, until: .now + .seconds(10))) != false else { return }
        }
    }

    private func go(_ run: ClaimedRun) async {
        do throws(SyncTrouble) {
            var isHeld = false
            var stopped: String?
            if !run.isPlanned {
                guard let draft = try await drafter.draft(run) else {
                    await end(run, .failed, "not connected, or switched off")
                    return
                }
                observe(.drafted)
                switch try await kept(draft, run) {
                case .kept: break
                case .lost: return
                case .undoing: throw SyncTrouble.reading(.wait(.seconds(10), "a sync is being undone"))
                }
                observe(.kept)
                if run.isDry { return }
                isHeld = draft.heldText != nil
                stopped = draft.stoppedText
            }
            guard try await applier.apply(run) else { return }
            if run.isPlanned { isHeld = try await hasHeld(run) }
            queue.announce()
            await end(run, isHeld ? .held : .done, isHeld ? "many removals at once need a confirmation" : stopped)
            observe(.finished)
        } catch {
            await putOff(run, error)
        }
    }

    private func kept(_ draft: SyncDraft, _ run: ClaimedRun) async throws(SyncTrouble) -> SyncStore.Keeping {
        do throws(StoreError) {
            return try await store.keep(draft, of: run, at: clock.now, until: .now + .seconds(60))
        } catch {
            throw SyncTrouble(error)
        }
    }

    private func hasHeld(_ run: ClaimedRun) async throws(SyncTrouble) -> Bool {
        do throws(StoreError) {
            let changes = try await store.changes(
                of: run.id, by: run.user, after: -1, planned: nil, limit: 100_000, until: .now + .seconds(30))
            return changes.contains { $0.state == .held }
        } catch {
            throw SyncTrouble(error)
        }
    }

    private func end(_ run: ClaimedRun, _ state: SyncRunState, _ reason: String?) async {
        // If the database fails, the lease expires and somebody takes over the run.
        let isEnded = try? await store.move(run, to: state, reason: reason, until: .now + .seconds(10))
        if isEnded == true { tell(run.provider, state) }
        if run.isBackground { try? await store.dropIdle(run, until: .now + .seconds(10)) }
    }

    /// Postpones what cannot continue now; ends a run that only its person can fix.
    private func putOff(_ run: ClaimedRun, _ trouble: SyncTrouble) async {
        switch trouble {
        case .reading(.askUser(let why)):
            try? await connections.stop(run.lane, for: why, until: .now + .seconds(10))
            await end(run, .failed, why.rawValue)
        // The call concerned no single facet.
        case .reading(.barred(let cause)): await end(run, .failed, cause.rawValue)
        case .reading(.wait(let time, let reason)):
            _ = try? await store.move(
                run, to: nil, reason: reason, again: min(max(time, .seconds(1)), .seconds(3_600)),
                until: .now + .seconds(10))
        case .reading(.broken(let reason)): await end(run, .failed, reason)
        case .store(.conflict): await end(run, .failed, "the person was deleted")
        case .store, .unavailable:
            _ = try? await store.move(
                run, to: nil, reason: "waiting for another service", again: store.limits.retryAfter,
                until: .now + .seconds(10))
        }
    }
}
