internal import CLibpq
internal import Dispatch
internal import Glibc
internal import Synchronization

/// Runs blocking calls, name look-up and `PQcancel`, off the loop and off Swift's own threads.
final class PGBlockingWork: Sendable {
    private struct State {
        var runningCount = 0
        var waiting: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())
    private let runningMax: Int

    init(runningMax: Int) { self.runningMax = runningMax }

    /// Runs `work` on a thread of its own, or queues it. The queue is bounded by the number of connections, each of
    /// which has at most one look-up or cancel request.
    func run(_ work: @escaping @Sendable () -> Void) {
        let starts = state.withLock { state in
            guard state.runningCount < runningMax else {
                state.waiting.append(work)
                return false
            }
            state.runningCount += 1
            return true
        }
        if starts { start(work) }
    }

    private func start(_ work: @escaping @Sendable () -> Void) {
        DispatchQueue.global().async {
            work()
            let next: (@Sendable () -> Void)? = self.state.withLock { state in
                if state.waiting.isEmpty {
                    state.runningCount -= 1
                    return nil
                }
                return state.waiting.removeFirst()
            }
            if let next { self.start(next) }
        }
    }

    /// The numeric addresses of `host`, in the resolver's order; empty if there are none.
    static func addresses(of host: String) -> [String] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { unsafe freeaddrinfo(list) }
        var found: [String] = []
        var entry = unsafe list
        while let current = unsafe entry {
            var name = [CChar](repeating: 0, count: 64)
            let length = unsafe current.pointee.ai_addrlen
            let status = unsafe getnameinfo(
                current.pointee.ai_addr, length, &name, socklen_t(name.count), nil, 0, NI_NUMERICHOST)
            if status == 0 {
                found.append(String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
            }
            unsafe entry = current.pointee.ai_next
        }
        return found
    }
}

/// Owns one `PGcancel`, which libpq allows to be used from any thread and after its connection is gone.
@safe final class PGCancelHandle: Sendable {
    // SAFETY: immutable after init, used by one blocking call, freed in deinit.
    private nonisolated(unsafe) let pointer: OpaquePointer

    init?(of connection: OpaquePointer) {
        guard let pointer = unsafe PQgetCancel(connection) else { return nil }
        unsafe self.pointer = pointer
    }

    deinit { unsafe PQfreeCancel(pointer) }

    /// Blocks until Postgres has accepted the request.
    func send() {
        var complaint = [CChar](repeating: 0, count: 256)
        _ = unsafe PQcancel(pointer, &complaint, Int32(complaint.count))
    }
}
