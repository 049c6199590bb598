/// Which connection a call takes: one link per address, least in flight of two random ready ones; pure.
///
/// It owns no connection and knows no clock: its owner serialises it, opens and closes what the actions say, and tells
/// it what happened. A slot is one life of one address's link; a drained link keeps its slot until it is closed while
/// another slot already replaces it.
struct Balancer<Address: Hashable & Sendable, Link: Sendable, Waiter: Sendable>: Sendable {
    typealias SlotID = Int

    enum Action: Sendable {
        /// Open a link to the address and keep it open until `closed` or `connected` says that the slot is gone.
        case open(SlotID, Address)
        /// Let the link's calls finish, then close it: its address is gone.
        case drain(Link)
    }

    /// A link that was taken for one call, to be given back by `release`.
    struct Lease: Sendable {
        var slot: SlotID
        /// Which of the slot's links it is, so that a late release cannot reach a later link's count.
        fileprivate var epoch: Int
        var link: Link
    }

    private enum Phase: Sendable {
        /// No link yet or none left → ready, or removed when the address vanishes.
        case connecting
        /// Takes calls → connecting (closed), draining (GOAWAY, or the address vanished).
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

    /// A resolution answered. An empty answer changes nothing: a name service that lost its data must not cut us off.
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

    /// The slot's link proved ready; false where the slot is gone and the link must be closed.
    mutating func connected(_ slot: SlotID, _ link: Link) -> Bool {
        guard let index = index(of: slot) else { return false }
        slots[index].phase = .ready(link)
        slots[index].failures = 0
        return true
    }

    /// A try to connect failed; false where the slot is gone and nobody should try again.
    mutating func connectFailed(_ slot: SlotID) -> Bool {
        guard let index = index(of: slot) else { return false }
        slots[index].failures += 1
        return true
    }

    /// The peer announced that it takes no more calls on the slot's link: a replacement is opened before it closes.
    mutating func drains(_ slot: SlotID) -> Action? {
        guard let index = index(of: slot), case .ready(let link) = slots[index].phase else { return nil }
        slots[index].phase = .draining(link)
        let address = slots[index].address
        return listed.contains(address) && !isCovered(address) ? open(address) : nil
    }

    /// The slot's link is closed; true where the slot lives on and a new link should be opened for it.
    /// May be told more than once.
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

    /// A call found its link closed before that was told here.
    mutating func lost(_ lease: Lease) {
        guard let index = index(of: lease.slot), slots[index].epoch == lease.epoch else { return }
        _ = closed(lease.slot)
    }

    /// A call found its link draining before that was told here.
    mutating func drains(_ lease: Lease) -> Action? {
        guard let index = index(of: lease.slot), slots[index].epoch == lease.epoch else { return nil }
        return drains(lease.slot)
    }

    // MARK: Calls

    /// Takes a link for one call; nil where none is ready with room. The randoms choose two of the ready ones.
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
                // The first choice wins a tie, wherever it stands in the list, so that ties fall evenly.
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

    /// Gives the link of one call back.
    mutating func release(_ lease: Lease) {
        guard let index = index(of: lease.slot), slots[index].epoch == lease.epoch else { return }
        slots[index].inFlight = max(0, slots[index].inFlight - 1)
    }

    /// Queues a call that found no link; nil where too many wait already.
    mutating func enqueue(_ waiter: Waiter) -> WaiterQueue<Waiter>.Key? {
        waiters.count < waitersMax ? waiters.append(waiter) : nil
    }

    /// Takes a waiter out that gives up; nil where it was served before.
    mutating func withdraw(_ key: WaiterQueue<Waiter>.Key) -> Waiter? { waiters.remove(key) }

    /// The next waiter that can be served, with its link; call until nil after a link got ready or was released.
    mutating func serveNext(_ first: UInt64, _ second: UInt64) -> (Waiter, Lease)? {
        guard !waiters.isEmpty, let lease = pick(first, second), let waiter = waiters.popFirst() else { return nil }
        return (waiter, lease)
    }

    /// The end: every waiter and every link, to be refused and closed.
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

    /// One slot as metrics show it.
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

    /// Whether the address has a slot that is ready or will be.
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
