package import Contracts
import Postgres
import Store

/// An event in a worker's progress; also the points at which a test kills it.
package enum QueuePoint: Sendable {
    /// About to look for work.
    case claiming
    /// Lanes are leased and the intent to send is committed; nothing has been sent yet.
    case claimed([LaneClaim])
    /// The provider has answered; nothing of it has been recorded.
    case answered(LaneClaim)
    /// The outcome is committed.
    case settled(LaneSettlement)
    /// Somebody else holds the lane by now: the outcome was not written.
    case lost(LaneClaim)
    /// The database failed; what was in hand is retried or left to the lease.
    case troubled(String)
}

/// Delivers jobs from the queue to the providers. Any number of workers may run, on any machine.
package final class QueueWorker: Sendable {
    private let id: UUIDBits
    private let store: QueueStore
    private let writers: [SyncProvider: any RemoteWriter]
    private let machine: JobMachine
    private let observe: @Sendable (QueuePoint) -> Void
    private let onNews: @Sendable () -> Void
    private let floor = QueueFloor()
    /// Rings when there is work; ring it after every enqueue.
    package let bell: QueueBell
    private let news = QueueBell()

    private var limits: QueueLimits { store.limits }

    package init(
        id: UUIDBits, store: QueueStore, writers: [SyncProvider: any RemoteWriter], bell: QueueBell = QueueBell(),
        observe: @escaping @Sendable (QueuePoint) -> Void = { _ in }, onNews: @escaping @Sendable () -> Void = {}
    ) {
        self.id = id
        self.store = store
        self.writers = writers
        self.bell = bell
        self.observe = observe
        self.onNews = onNews
        machine = JobMachine(limits: store.limits)
    }

    /// Tells this worker and all others that jobs were queued or that something else has happened to a person.
    package func announce() {
        onNews()
        bell.ring()
        news.ring()
    }

    /// Works until the task is cancelled.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.claimAndWork() }
            group.addTask { await self.settle() }
            group.addTask { await self.keepLeases() }
            group.addTask { await self.listen() }
            group.addTask { await self.tellOthers() }
            group.addTask { await self.keepHouse() }
            await group.waitForAll()
        }
    }

    /// Claims nothing more, then finishes and records what has been sent; what was not sent goes back uncounted.
    package func drain() async {
        floor.drain()
        bell.ring()
        while !floor.isEmpty, !Task.isCancelled { try? await Task.sleep(for: .milliseconds(5)) }
    }

    // MARK: Claiming

    private func claimAndWork() async {
        await withDiscardingTaskGroup { lanes in
            var window = ClaimWindow(slack: limits.claimSlack)
            var startOver = ContinuousClock.now + limits.claimFromStart
            while !Task.isCancelled {
                if ContinuousClock.now >= startOver {
                    window.startOver()
                    startOver = .now + limits.claimFromStart
                }
                let room = floor.beginClaiming(limits)
                let wanted = min(room.all, limits.claimMax)
                var claims: [LaneClaim] = []
                if wanted > 0 { claims = await claim(&window, wanted, min(wanted, room.bulk)) }
                // Begin all before any is worked: a suspect checks whether it is alone.
                for claim in claims { floor.begin(claim) }
                for claim in claims {
                    let isSuspect = claim.jobs.contains { $0.state.unsettled >= limits.suspectFrom }
                    if isSuspect, !floor.takeSuspect(claim) {
                        giveBack(claim)
                    } else {
                        lanes.addTask { await self.work(claim, alone: isSuspect) }
                    }
                }
                floor.endClaiming()
                // While claims bring something there may be more; if there was no room, a finished lane rings.
                if claims.isEmpty { await bell.wait(atMost: limits.poll * Double.random(in: 0.75...1.25)) }
            }
        }
    }

    private func claim(_ window: inout ClaimWindow, _ liveMax: Int, _ bulkMax: Int) async -> [LaneClaim] {
        observe(.claiming)
        do {
            let claims = try await store.claim(
                as: id, &window, liveMax: liveMax, bulkMax: bulkMax, providers: Array(writers.keys),
                until: .now + .seconds(5))
            if !claims.isEmpty { observe(.claimed(claims)) }
            return claims
        } catch {
            window.startOver()
            observe(.troubled("claim: \(error)"))
            return []
        }
    }

    // MARK: Working

    /// Postpones a suspect because another one is in progress.
    private func giveBack(_ claim: LaneClaim) {
        let results = claim.jobs.map { (fate: machine.postponed($0.state), lane: LaneEffect.goOn) }
        floor.finish(LaneSettlement(claim: claim, results: results, pace: limits.suspectPause))
    }

    /// Holds a suspect back until nothing else is in hand, so that only the culprit is counted.
    private func work(_ claim: LaneClaim, alone isSuspect: Bool) async {
        let patience = ContinuousClock.now + limits.suspectPatience
        while isSuspect, !floor.isAlone(claim), ContinuousClock.now < patience, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(2))
        }
        var claim = claim
        let rest = isSuspect ? Array(claim.jobs.dropFirst()) : []
        claim.jobs.removeLast(rest.count)
        await work(claim, postponing: rest)
    }

    private func work(_ claim: LaneClaim, postponing rest: [QueueJob]) async {
        let steps = claim.jobs.map { machine.step($0.state) }
        let parcels = (
            send: zip(claim.jobs, steps).filter { $0.1 == .send }.map(\.0),
            look: zip(claim.jobs, steps).filter { $0.1 == .look }.map(\.0)
        )
        let replies = await send(parcels.send, of: claim)
        let looks = await look(for: parcels.look, of: claim)
        if !parcels.send.isEmpty || !parcels.look.isEmpty { observe(.answered(claim)) }
        var (sent, looked) = (replies.makeIterator(), looks.makeIterator())
        let results: [(fate: JobFate, lane: LaneEffect)] = zip(claim.jobs, steps).map { job, step in
            let jitter = Double.random(in: 0...1)
            switch step {
            case .settle(let fate): return (fate, .goOn)
            case .send:
                var reply = sent.next() ?? .untried
                // Only a job that is sent alone can be blamed.
                if case .broken(let reason) = reply, parcels.send.count > 1 { reply = .ambiguous(reason) }
                return machine.settle(job.state, reply, jitter: jitter)
            case .look: return machine.settle(job.state, looked.next() ?? .failed(.untried), jitter: jitter)
            }
        }
        let isIdle = parcels.send.isEmpty && parcels.look.isEmpty
        let ownPace = isIdle ? .zero : writers[claim.key.provider]?.pace ?? .zero
        let pace = claim.urgency == .bulk ? max(ownPace, limits.bulkRest) : ownPace
        var whole = claim
        whole.jobs += rest
        let postponed = rest.map { (fate: machine.acquitted($0.state), lane: LaneEffect.goOn) }
        floor.finish(LaneSettlement(claim: whole, results: results + postponed, pace: pace))
    }

    private func send(_ jobs: [QueueJob], of claim: LaneClaim) async -> [JobReply] {
        let now = ContinuousClock.now
        guard !jobs.isEmpty, let writer = writers[claim.key.provider],
            floor.maySend(claim, now: now, leaseLeftMin: limits.leaseLeftMin)
        else { return [] }
        return await writer.send(
            Parcel(lane: claim.key, jobs: jobs, deadline: now + limits.callTimeout) { [floor] in
                floor.maySend(claim, now: .now, leaseLeftMin: .zero)
            })
    }

    private func look(for jobs: [QueueJob], of claim: LaneClaim) async -> [LookReply] {
        guard !jobs.isEmpty, !floor.isDraining, let writer = writers[claim.key.provider] else { return [] }
        return await writer.look(
            for: Parcel(lane: claim.key, jobs: jobs, deadline: .now + limits.callTimeout, isOurs: { true }))
    }

    // MARK: Writing down

    private func settle() async {
        while !Task.isCancelled {
            let settlements = floor.takeSettlements(limits.settleMax)
            if settlements.isEmpty {
                await floor.finished.wait(atMost: limits.poll)
                continue
            }
            await settle(settlements)
            floor.end(settlements.map(\.claim))
            // There is room again.
            bell.ring()
        }
    }

    /// Retries until the outcome is written or the leases expire; the next worker then looks for what was sent.
    private func settle(_ settlements: [LaneSettlement]) async {
        let leaseEnds = settlements.map(\.claim.leaseEnds).max() ?? .now
        var pause = Duration.milliseconds(20)
        repeat {
            do {
                let settled = try await store.settle(settlements, until: .now + .seconds(10))
                tell(settlements, settled)
                onNews()
                return
            } catch {
                observe(.troubled("settle: \(error)"))
                try? await Task.sleep(for: pause * Double.random(in: 0.5...1))
                pause = min(pause * 2, .seconds(1))
            }
        } while ContinuousClock.now < leaseEnds && !Task.isCancelled
    }

    private func tell(_ settlements: [LaneSettlement], _ settled: [SettledLane]) {
        let turns = Dictionary(settled.map { ($0.key, $0.nextTurn) }) { first, _ in first }
        for settlement in settlements {
            guard let nextTurn = turns[settlement.claim.key] else {
                observe(.lost(settlement.claim))
                continue
            }
            observe(.settled(settlement))
            if let nextTurn, nextTurn < limits.poll { bell.ring(at: .now + nextTurn) }
        }
    }

    private func keepLeases() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: limits.heartbeat)
            let claims = floor.claims
            guard !claims.isEmpty else { continue }
            let leaseEnds = ContinuousClock.now + limits.lease
            do {
                let kept = try await store.renew(claims, until: .now + limits.heartbeat)
                floor.renewed(kept, of: claims, until: leaseEnds)
            } catch {
                observe(.troubled("renew: \(error)"))
            }
        }
    }

    // MARK: Company

    private func listen() async {
        try? await store.database.pool.listen(to: ["reelay_queue"]) { [bell, onNews] events throws(PGError) in
            for await _ in events {
                bell.ring()
                onNews()
            }
        }
    }

    private func tellOthers() async {
        while !Task.isCancelled {
            await news.wait(atMost: .seconds(3_600))
            guard !Task.isCancelled else { return }
            try? await store.ring(until: .now + .seconds(2))
            try? await Task.sleep(for: limits.notifyInterval)
        }
    }

    private func keepHouse() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(60) * Double.random(in: 0.75...1.25))
            guard !Task.isCancelled else { return }
            do {
                guard try await store.takeTurn("queue.sweep", every: .seconds(600), as: id, until: .now + .seconds(5))
                else { continue }
                try await store.sweep(until: .now + .seconds(30))
            } catch {
                observe(.troubled("sweep: \(error)"))
            }
        }
    }
}
