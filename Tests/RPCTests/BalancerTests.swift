import Testing

@testable import RPC

@Suite struct BalancerTests {
    private typealias Machine = Balancer<String, Int, Int>

    private func slots(_ actions: [Machine.Action]) -> [String: Machine.SlotID] {
        var slots: [String: Machine.SlotID] = [:]
        for case .open(let slot, let address) in actions { slots[address] = slot }
        return slots
    }

    private func machine(_ addresses: [String], callsMax: Int = 10) -> (Machine, [String: Machine.SlotID]) {
        var machine = Machine(callsPerLinkMax: callsMax, waitersMax: 2)
        let opened = slots(machine.resolved(addresses))
        for (address, slot) in opened {
            let isWanted = machine.connected(slot, Int(address) ?? -1)
            #expect(isWanted)
        }
        return (machine, opened)
    }

    private func pick(_ machine: inout Machine) throws -> Machine.Lease {
        let lease = machine.pick(0, 0)
        return try #require(lease)
    }

    private func serve(_ machine: inout Machine) throws -> (Int, Machine.Lease) {
        let served = machine.serveNext(0, 0)
        return try #require(served)
    }

    @Test func picksTheLessLoadedOfTwo() {
        var (machine, _) = machine(["1", "2", "3"])
        var random = SplitMix64(seed: 7)
        var loads = [1: 0, 2: 0, 3: 0]
        for _ in 0..<30 {
            guard let lease = machine.pick(random.next(), random.next()) else { break }
            loads[lease.link, default: 0] += 1
        }
        #expect(loads.values.reduce(0, +) == 30)
        #expect(loads.values.allSatisfy { (7...10).contains($0) }, "\(loads)")
        #expect(machine.pick(1, 2) == nil)
    }

    @Test func idleLinksShareEvenly() {
        var (machine, _) = machine(["1", "2", "3"])
        var random = SplitMix64(seed: 9)
        var uses = [1: 0, 2: 0, 3: 0]
        for _ in 0..<3_000 {
            guard let lease = machine.pick(random.next(), random.next()) else { continue }
            uses[lease.link, default: 0] += 1
            machine.release(lease)
        }
        #expect(uses.values.allSatisfy { (850...1_150).contains($0) }, "\(uses)")
    }

    @Test func aDrainingLinkIsReplacedBeforeItCloses() throws {
        var (machine, opened) = machine(["1"])
        let old = try #require(opened["1"])
        let lease = try pick(&machine)
        guard case .open(let replacement, "1") = machine.drains(old) else {
            Issue.record("no replacement")
            return
        }
        #expect(machine.drains(old) == nil)
        #expect(machine.pick(0, 0) == nil)
        #expect(machine.connected(replacement, 9) == true)
        #expect(machine.pick(0, 0)?.link == 9)
        machine.release(lease)
        #expect(machine.closed(old) == false)
        #expect(machine.rows.map(\.state) == [.ready])
    }

    @Test func aClosedLinkReconnectsAndLateReleasesDoNotCount() throws {
        var (machine, opened) = machine(["1"])
        let slot = try #require(opened["1"])
        let lease = try pick(&machine)
        #expect(machine.closed(slot) == true)
        #expect(machine.pick(0, 0) == nil)
        #expect(machine.connected(slot, 5) == true)
        let next = try pick(&machine)
        machine.release(lease)
        machine.lost(lease)
        #expect(machine.rows.map(\.inFlight) == [1])
        machine.release(next)
        #expect(machine.rows.map(\.inFlight) == [0])
    }

    @Test func addressesComeAndGo() throws {
        var (machine, opened) = machine(["1", "2"])
        let added = machine.resolved(["2", "3"])
        var drained: [Int] = []
        for case .drain(let link) in added { drained.append(link) }
        #expect(drained == [1])
        #expect(slots(added).keys.sorted() == ["3"])
        #expect(machine.resolved([]).isEmpty)
        let third = try #require(slots(added)["3"])
        #expect(machine.resolved(["2"]).isEmpty)
        #expect(machine.connectFailed(third) == false)
        #expect(machine.connected(third, 3) == false)
        let first = try #require(opened["1"])
        #expect(machine.closed(first) == false)
        #expect(machine.rows.map(\.address) == ["2"])
    }

    @Test func waitersAreBoundedServedInOrderAndMayLeave() throws {
        var machine = Machine(callsPerLinkMax: 1, waitersMax: 2)
        let opened = machine.resolved(["1"])
        let slot = try #require(slots(opened)["1"])
        let queued = machine.enqueue(100)
        let first = try #require(queued)
        #expect(machine.enqueue(101) != nil)
        #expect(machine.enqueue(102) == nil)
        #expect(machine.withdraw(first) == 100)
        #expect(machine.withdraw(first) == nil)
        #expect(machine.enqueue(103) != nil)
        #expect(machine.serveNext(0, 0) == nil)
        #expect(machine.connected(slot, 1) == true)
        let served = try serve(&machine)
        #expect(served.0 == 101)
        #expect(machine.serveNext(0, 0) == nil)
        machine.release(served.1)
        #expect(machine.serveNext(0, 0)?.0 == 103)
        let rest = machine.removeAll()
        #expect(rest.links == [1])
    }
}
