/// Chooses the connection for a call: one link per address, and of two random ready links the one with fewer calls in
/// flight. Pure.
///
/// It owns no connection and knows no clock: its owner serialises access, opens and closes links as the actions say,
/// and reports what happened. A slot is one lifetime of an address's link; a draining link keeps its slot until it is
/// closed, while another slot already replaces it.
struct Balancer<Address: Hashable & Sendable, Link: Sendable, Waiter: Sendable>: Sendable {
    typealias SlotID = Int

    enum Action: Sendable {
        /// Open a link to the address and keep it open until `closed` or `connected` says that the slot is gone.
        case open(SlotID, Address)
        /// Let the link's calls finish, then close it: its address is no longer listed.
        case drain(Link)
    }

    /// A link taken for one call, to be returned by `release`.
    struct Lease: Sendable {
        var slot: SlotID
        /// Identifies which of the slot's links it is, so that a late release cannot affect a later link's count.
        fileprivate var epoch: Int
        var link: Link
    }

    private enum Phase: Sendable {
        /// No link yet, or the last one closed → ready, or removed if the address is no longer listed.
        case connecting
        /// Takes calls → connecting (closed), draining (GOAWAY, or the address is no longer listed).
        case ready(Link)
        /// Finishes its calls → removed.
        case draining(Link)
    }

    private struct Slot: Sendable {
        let id: SlotID
        let address: Address
        var phase = Phase.connecting
        var epoch = 0
        var inFlight = 0
        var failures = 0
    }

    private let callsPerLinkMax: Int
    private let waitersMax: Int
    private var slots: [Slot] = []
    private var nextSlot = 0
    private var listed: Set<Address> = []
    private var waiters = WaiterQueue<Waiter>()

    init(callsPerLinkMax: Int, waitersMax: Int) {
        self.callsPerLinkMax = callsPerLinkMax
        self.waitersMax = waitersMax
    }

    // MARK: What happens to links

    /// Applies the result of a resolution. An empty one changes nothing: a name service that lost its data must not cut
    /// us off.
    mutating func resolved(_ addresses: [Address]) -> [Action] {
        guard !addresses.isEmpty else { return [] }
        listed = Set(addresses)
        var actions: [Action] = []
        for index in slots.indices.reversed() where !listed.contains(slots[index].address) {
            switch slots[index].phase {
            case .connecting: slots.remove(at: index)
            case .ready(let link):
                slots[index].phase = .draining(link)
                actions.append(.drain(link))
            case .draining: break
            }
        }
        for address in addresses where !isCovered(address) { actions.append(open(address)) }
        return actions
    }

    /// Makes the slot's link ready; returns false if the slot is gone and the link must be closed.
    mutating func connected(_ slot: SlotID, _ link: Link) -> Bool {
        guard let index = index(of: slot) else { return false }
        slots[index].phase = .ready(link)
        slots[index].failures = 0
        return true
    }

    /// Counts a failed attempt to connect; returns false if the slot is gone and must not be tried again.
    mutating func connectFailed(_ slot: SlotID) -> Bool {
        guard let index = index(of: slot) else { return false }
        slots[index].failures += 1
        return true
    }

    /// Marks the slot's link as taking no more calls, as the peer announced; a replacement is opened before it closes.
    mutating func drains(_ slot: SlotID) -> Action? {
        guard let index = index(of: slot), case .ready(let link) = slots[index].phase else { return nil }
        slots[index].phase = .draining(link)
        let address = slots[index].address
        return listed.contains(address) && !isCovered(address) ? open(address) : nil
    }

    /// Notes that the slot's link is closed; returns whether the slot lives on and needs a new link. May be called more
    /// than once.
    mutating func closed(_ slot: SlotID) -> Bool {
        guard let index = index(of: slot) else { return false }
        switch slots[index].phase {
        case .connecting: return true
        case .ready:
            slots[index].phase = .connecting
            slots[index].epoch += 1
            slots[index].inFlight = 0
            slots[index].failures += 1
            return true
        case .draining:
            slots.remove(at: index)
            return false
        }
    }

    /// Notes that a call found its link closed, before that was reported here.
    mutating func lost(_ lease: Lease) {
        guard let index = index(of: lease.slot), slots[index].epoch == lease.epoch else { return }
        _ = closed(lease.slot)
    }

    /// Notes that a call found its link draining, before that was reported here.
    mutating func drains(_ lease: Lease) -> Action? {
        guard let index = index(of: lease.slot), slots[index].epoch == lease.epoch else { return nil }
        return drains(lease.slot)
    }

    // MARK: Calls

    /// Takes a link for one call; returns nil if none is ready with room. The random numbers choose two of the ready
    /// ones.
    mutating func pick(_ first: UInt64, _ second: UInt64) -> Lease? {
        var ready = 0
        for slot in slots where hasRoom(slot) { ready += 1 }
        guard ready > 0 else { return nil }
        let one = Int(first % UInt64(ready))
        var other = one
        if ready > 1 {
            other = Int(second % UInt64(ready - 1))
            if other >= one { other += 1 }
        }
        var position = 0
        var chosen: (index: Int, link: Link)?
        for index in slots.indices {
            guard hasRoom(slots[index]), case .ready(let link) = slots[index].phase else { continue }
            if position == one || position == other {
                // The first choice wins a tie, wherever it is in the list, so that ties are distributed evenly.
                let isBetter = chosen.map { best in
                    let (load, bestLoad) = (slots[index].inFlight, slots[best.index].inFlight)
                    return load < bestLoad || (load == bestLoad && position == one)
                }
                if isBetter ?? true { chosen = (index, link) }
            }
            position += 1
        }
        guard let chosen else { return nil }
        slots[chosen.index].inFlight += 1
        let slot = slots[chosen.index]
        return Lease(slot: slot.id, epoch: slot.epoch, link: chosen.link)
    }

    /// Returns the link of one call.
    mutating func release(_ lease: Lease) {
        guard let index = index(of: lease.slot), slots[index].epoch == lease.epoch else { return }
        slots[index].inFlight = max(0, slots[index].inFlight - 1)
    }

    /// Queues a call that found no link; returns nil if too many wait already.
    mutating func enqueue(_ waiter: Waiter) -> WaiterQueue<Waiter>.Key? {
        waiters.count < waitersMax ? waiters.append(waiter) : nil
    }

    /// Removes a waiter that gives up; returns nil if it was served before.
    mutating func withdraw(_ key: WaiterQueue<Waiter>.Key) -> Waiter? { waiters.remove(key) }

    /// Returns the next waiter that can be served, with its link. Call it until it returns nil after a link became
    /// ready or was released.
    mutating func serveNext(_ first: UInt64, _ second: UInt64) -> (Waiter, Lease)? {
        guard !waiters.isEmpty, let lease = pick(first, second), let waiter = waiters.popFirst() else { return nil }
        return (waiter, lease)
    }

    /// Removes every waiter and every link, to be refused and closed.
    mutating func removeAll() -> (waiters: [Waiter], links: [Link]) {
        var links: [Link] = []
        for slot in slots {
            switch slot.phase {
            case .connecting: break
            case .ready(let link), .draining(let link): links.append(link)
            }
        }
        slots = []
        listed = []
        var rest: [Waiter] = []
        while let waiter = waiters.popFirst() { rest.append(waiter) }
        return (rest, links)
    }

    // MARK: What it looks like

    enum State: Sendable, Hashable { case connecting, ready, draining }

    /// A slot, for metrics.
    struct Row: Sendable {
        var address: Address
        var state: State
        var inFlight: Int
        var failures: Int
    }

    var rows: [Row] {
        slots.map { slot in
            let state: State =
                switch slot.phase {
                case .connecting: .connecting
                case .ready: .ready
                case .draining: .draining
                }
            return Row(address: slot.address, state: state, inFlight: slot.inFlight, failures: slot.failures)
        }
    }

    var waiterCount: Int { waiters.count }

    // MARK: Parts

    private func index(of slot: SlotID) -> Int? { slots.firstIndex { $0.id == slot } }

    private func hasRoom(_ slot: Slot) -> Bool {
        guard case .ready = slot.phase else { return false }
        return slot.inFlight < callsPerLinkMax
    }

    /// Whether the address has a slot that is ready or connecting.
    private func isCovered(_ address: Address) -> Bool {
        slots.contains { slot in
            guard slot.address == address else { return false }
            if case .draining = slot.phase { return false }
            return true
        }
    }

    private mutating func open(_ address: Address) -> Action {
        let slot = Slot(id: nextSlot, address: address)
        nextSlot += 1
        slots.append(slot)
        return .open(slot.id, address)
    }
}
