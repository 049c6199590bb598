import Testing
import TestSupport

@testable import Postgres

@Suite struct PGPoolMachineTests {
    typealias Machine = PGPoolMachine
    let start = ContinuousClock.now

    static func limits(_ change: (inout PGLimits) -> Void = { _ in }) -> PGLimits {
        var limits = PGLimits()
        limits.connectionsMax = 4
        limits.connectionsMin = 0
        limits.leasesMax = 2
        limits.readLanesMax = 2
        limits.writeLanesMax = 1
        change(&limits)
        return limits
    }

    func machine(_ change: (inout PGLimits) -> Void = { _ in }) -> Machine {
        Machine(limits: Self.limits(change), seed: 1)
    }

    @Test func aLoneStatementConnectsAndRuns() {
        var pool = machine()
        #expect(pool.submit(1, .write, now: start) == .accepted)
        #expect(pool.takeActions() == [.connect(slot: 0)])
        pool.connected(0, now: start)
        #expect(pool.takeActions() == [.run(slot: 0, purpose: .write, ids: [1], separately: false)])
        pool.finished(0, now: start)
        #expect(pool.slots[0] == .idle(since: start))
    }

    @Test func whatWaitsTravelsTogether() {
        var pool = machine { $0.readBatchMax = 3 }
        for id in 1...5 { _ = pool.submit(id, .read, now: start) }
        _ = pool.takeActions()
        pool.connected(0, now: start)
        #expect(pool.takeActions().contains(.run(slot: 0, purpose: .read, ids: [1, 2, 3], separately: false)))
        pool.connected(1, now: start)
        #expect(pool.takeActions().contains(.run(slot: 1, purpose: .read, ids: [4, 5], separately: false)))
    }

    @Test func aStalledLaneMakesRoomForAnother() {
        var pool = machine()
        _ = pool.submit(1, .write, now: start)
        pool.connected(0, now: start)
        _ = pool.submit(2, .write, now: start)
        _ = pool.takeActions()
        let stalled = start + pool.limits.laneStall
        #expect(pool.nextTick(after: start) == stalled)
        pool.tick(now: stalled)
        #expect(pool.takeActions() == [.connect(slot: 1)])
        pool.connected(1, now: stalled)
        #expect(pool.takeActions() == [.run(slot: 1, purpose: .write, ids: [2], separately: false)])
    }

    @Test func batchesOfOneKindTakeNoLaneOfAnother() {
        var pool = machine { $0.connectionsMin = 4 }
        _ = pool.submit(1, .read, now: start)
        for slot in 0..<4 { pool.connected(slot, now: start) }
        #expect(pool.takeActions().last == .run(slot: 0, purpose: .read, ids: [1], separately: false))
        for id in 2...3 { _ = pool.submit(id, .read, now: start) }
        #expect(pool.takeActions() == [.run(slot: 1, purpose: .read, ids: [2], separately: false)])
        for id in 4...5 { _ = pool.submit(id, .write, now: start) }
        #expect(pool.takeActions() == [.run(slot: 2, purpose: .write, ids: [4], separately: false)])
        pool.finished(0, now: start)
        #expect(pool.takeActions() == [.run(slot: 0, purpose: .read, ids: [3], separately: false)])
    }

    @Test func rerunsHaveASyncEach() {
        var pool = machine()
        _ = pool.submit(1, .rewrites, now: start)
        _ = pool.submit(2, .rewrites, now: start)
        pool.connected(0, now: start)
        #expect(pool.takeActions().last == .run(slot: 0, purpose: .rewrites, ids: [1, 2], separately: true))
    }

    @Test func leasesLeaveRoomForStatements() {
        var pool = machine()
        for id in 1...4 { _ = pool.submit(id, .lease, now: start) }
        for slot in 0..<4 { pool.connected(slot, now: start) }
        let grants = pool.takeActions().filter { if case .grant = $0 { true } else { false } }
        #expect(grants == [.grant(slot: 0, id: 1), .grant(slot: 1, id: 2)])
        pool.finished(0, now: start)
        #expect(pool.takeActions() == [.grant(slot: 0, id: 3)])
    }

    @Test(arguments: [9, 10, 11]) func waitersAreBounded(_ count: Int) {
        var pool = machine { $0.waitersMax = 10 }
        var admissions: [Machine.Admission] = []
        for id in 1...count { admissions.append(pool.submit(id, .read, now: start)) }
        #expect(admissions.count { $0 == .accepted } == min(count, 10))
        #expect(admissions.count { $0 == .overloaded } == max(0, count - 10))
    }

    @Test func aWithdrawnStatementIsNotRun() {
        var pool = machine()
        _ = pool.submit(1, .read, now: start)
        _ = pool.submit(2, .read, now: start)
        var wasWaiting = pool.withdraw(1)
        #expect(wasWaiting)
        wasWaiting = pool.withdraw(1)
        #expect(!wasWaiting)
        pool.connected(0, now: start)
        #expect(pool.takeActions().contains(.run(slot: 0, purpose: .read, ids: [2], separately: false)))
        wasWaiting = pool.withdraw(2)
        #expect(!wasWaiting)
    }

    @Test func theCircuitOpensProbesAndCloses() throws {
        var pool = machine { $0.breakerFailuresMax = 3 }
        _ = pool.submit(1, .read, now: start)
        var now = start
        for attempt in 1...3 {
            let slot = try #require(pool.slots.firstIndex(of: .connecting))
            pool.connectFailed(slot, now: now)
            // The second lane's attempt fails at the same moment.
            while let other = pool.slots.firstIndex(of: .connecting) { pool.connectFailed(other, now: now) }
            if pool.failureCount < 3 {
                now = try #require(pool.nextTick(after: now))
                pool.tick(now: now)
            }
            #expect(attempt <= 3)
            if pool.isOpen { break }
        }
        #expect(pool.takeActions().contains(.refuse(ids: [1])))
        #expect(pool.submit(2, .read, now: now) == .unavailable)
        now = try #require(pool.nextTick(after: now))
        pool.tick(now: now)
        #expect(pool.takeActions() == [.connect(slot: 0)])
        pool.connected(0, now: now)
        #expect(pool.submit(3, .read, now: now) == .accepted)
        #expect(pool.takeActions() == [.run(slot: 0, purpose: .read, ids: [3], separately: false)])
    }

    /// Six failed connects, to a full server or with a name that was not found, once made the pool refuse everything
    /// although it had idle connections.
    @Test func aLiveConnectionKeepsTheCircuitClosed() throws {
        var pool = machine { $0.breakerFailuresMax = 3 }
        var now = start
        _ = pool.submit(1, .solo, now: now)
        pool.connected(0, now: now)
        for id in 2...4 { _ = pool.submit(id, .solo, now: now) }
        for _ in 0..<10 {
            while let slot = pool.slots.firstIndex(of: .connecting) { pool.connectFailed(slot, now: now) }
            now = try #require(pool.nextTick(after: now))
            pool.tick(now: now)
        }
        #expect(pool.failureCount >= 10)
        #expect(!pool.isOpen)
        let refusals = pool.takeActions().filter { if case .refuse = $0 { true } else { false } }
        #expect(refusals == [])
        #expect(pool.submit(5, .solo, now: now) == .accepted)
        for id in 2...5 {
            pool.finished(0, now: now)
            #expect(pool.takeActions().contains(.run(slot: 0, purpose: .solo, ids: [id], separately: false)))
        }
        // The last connection is lost: waiting statements are refused when the next attempt fails, new ones at once.
        _ = pool.submit(6, .solo, now: now)
        pool.lost(0, now: now)
        #expect(pool.isOpen)
        #expect(pool.submit(7, .solo, now: now) == .unavailable)
        if !pool.slots.contains(.connecting) {
            now = try #require(pool.nextTick(after: now))
            pool.tick(now: now)
        }
        let probe = try #require(pool.slots.firstIndex(of: .connecting))
        pool.connectFailed(probe, now: now)
        #expect(pool.takeActions().contains(.refuse(ids: [6])))
    }

    @Test func idleConnectionsAgeDownToTheMinimum() {
        var pool = machine { $0.connectionsMin = 1 }
        for id in 1...2 { _ = pool.submit(id, .solo, now: start) }
        pool.connected(0, now: start)
        pool.connected(1, now: start)
        pool.finished(0, now: start)
        pool.finished(1, now: start)
        _ = pool.takeActions()
        let later = start + pool.limits.idleClose
        #expect(pool.nextTick(after: start) == later)
        pool.tick(now: later)
        #expect(pool.takeActions() == [.close(slot: 1)])
        #expect(pool.nextTick(after: later) == nil)
    }

    @Test func closingRefusesWhatWaits() {
        var pool = machine()
        _ = pool.submit(1, .read, now: start)
        _ = pool.takeActions()
        pool.close()
        #expect(pool.takeActions() == [.refuse(ids: [1])])
        #expect(pool.submit(2, .read, now: start) == .closed)
    }

    /// Every slot state with every input about a slot.
    @Test(arguments: ["vacant", "connecting", "idle", "shared", "leased"])
    func everyStateTimesEveryInput(_ state: String) {
        func prepared() -> Machine {
            var pool = machine()
            switch state {
            case "connecting": _ = pool.submit(1, .read, now: start); _ = pool.withdraw(1)
            case "idle":
                _ = pool.submit(1, .solo, now: start)
                pool.connected(0, now: start)
                pool.finished(0, now: start)
            case "shared":
                _ = pool.submit(1, .solo, now: start)
                pool.connected(0, now: start)
            case "leased":
                _ = pool.submit(1, .lease, now: start)
                pool.connected(0, now: start)
            default: break
            }
            _ = pool.takeActions()
            return pool
        }
        let later = start + .seconds(1)
        let before = prepared().slots[0]
        var pool = prepared()
        pool.connected(0, now: later)
        #expect(pool.slots[0] == (state == "connecting" ? .idle(since: later) : before))
        pool = prepared()
        pool.connectFailed(0, now: later)
        #expect(pool.slots[0] == (state == "connecting" ? .vacant : before))
        pool = prepared()
        pool.finished(0, now: later)
        #expect(pool.slots[0] == (["shared", "leased"].contains(state) ? .idle(since: later) : before))
        pool = prepared()
        pool.lost(0, now: later)
        #expect(pool.slots[0] == (["idle", "shared", "leased"].contains(state) ? .vacant : before))
        pool = prepared()
        pool.tick(now: start + pool.limits.idleClose)
        #expect(pool.slots[0] == (state == "idle" ? .vacant : before))
    }

    /// Random inputs: no statement runs twice, none is forgotten, none is refused while a connection lives, and lanes
    /// and leases stay within their bounds.
    @Test(arguments: [1_000, 2]) func randomInputsKeepTheInvariants(_ failuresMax: Int) {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededRandom(seed: seed)
        var pool = machine { $0.breakerFailuresMax = failuresMax }
        var now = start
        var outstanding: Set<Int> = []
        var started: Set<Int> = []
        var isAnyAlive: Bool { pool.slots.contains { $0 != .vacant && $0 != .connecting } }
        func absorb() {
            for action in pool.takeActions() {
                switch action {
                case .run(_, _, let ids, _):
                    for id in ids {
                        let isNew = started.insert(id).inserted && outstanding.remove(id) != nil
                        #expect(isNew, "seed \(seed)")
                    }
                case .grant(_, let id): #expect(outstanding.remove(id) != nil, "seed \(seed)")
                case .refuse(let ids):
                    #expect(!isAnyAlive, "seed \(seed)")
                    outstanding.subtract(ids)
                case .connect, .close: break
                }
            }
            #expect(pool.slots.count { $0 == .leased } <= pool.limits.leasesMax, "seed \(seed)")
            #expect(pool.waitingCount == outstanding.count, "seed \(seed)")
        }
        for id in 0..<5_000 {
            let slot = Int.random(in: 0..<4, using: &random)
            switch Int.random(in: 0..<9, using: &random) {
            case 0..<3:
                let purpose = Machine.Purpose.allCases.randomElement(using: &random) ?? .read
                switch pool.submit(id, purpose, now: now) {
                case .accepted: outstanding.insert(id)
                case .unavailable: #expect(!isAnyAlive, "seed \(seed)")
                case .overloaded, .closed: break
                }
            case 3, 4: pool.connected(slot, now: now)
            case 5: pool.connectFailed(slot, now: now)
            case 6: pool.finished(slot, now: now)
            case 7: pool.lost(slot, now: now)
            default:
                if let id = outstanding.randomElement(using: &random), pool.withdraw(id) { outstanding.remove(id) }
            }
            now += .milliseconds(Int.random(in: 0..<30, using: &random))
            if id % 7 == 0 { pool.tick(now: now) }
            absorb()
        }
        for round in 0..<20_000 where !outstanding.isEmpty {
            for slot in pool.slots.indices {
                pool.connected(slot, now: now)
                pool.finished(slot, now: now)
            }
            now += .seconds(2)
            if round % 2 == 0 { pool.tick(now: now) }
            absorb()
        }
        #expect(outstanding.isEmpty, "seed \(seed)")
    }
}
