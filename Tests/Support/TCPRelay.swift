internal import Glibc
internal import Synchronization

/// A relay between a client and a server on this machine that misbehaves on demand: it cuts connections, swallows bytes
/// or refuses connections.
package final class TCPRelay: Sendable {
    package enum Mode: Sendable {
        case forward
        /// Both sides stay connected but nothing passes, as with an unplugged cable.
        case blackHole
        /// Requests reach the server; its replies are lost.
        case swallowReplies
        /// New connections are closed at once, and nothing passes on existing ones.
        case refuse
        /// New connections are closed at once; existing ones continue.
        case full
    }

    private struct State {
        var mode = Mode.forward
        var sockets: Set<Int32> = []
        var isClosed = false
        var swallowedBytes = 0
    }

    package let port: UInt16
    private let listener: Int32
    private let target: UInt16
    private let state = Mutex(State())

    package struct Failure: Error { package let call: String }

    /// Listens on a free port of 127.0.0.1 and relays to `target` on the same address.
    package init(to target: UInt16) throws {
        self.target = target
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 64) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard descriptor >= 0, status else { throw Failure(call: "listen") }
        listener = descriptor
        port = UInt16(bigEndian: address.sin_port)
        Self.thread { [self] in accept() }
    }

    package func setMode(_ mode: Mode) { state.withLock { $0.mode = mode } }
    /// The number of bytes lost so far, in either direction.
    package var swallowedBytes: Int { state.withLock { $0.swallowedBytes } }

    /// Breaks every open connection.
    package func cut() {
        state.withLock { state in
            for socket in state.sockets { shutdown(socket, Int32(SHUT_RDWR)) }
        }
    }

    package func close() {
        state.withLock { $0.isClosed = true }
        shutdown(listener, Int32(SHUT_RDWR))
        cut()
    }

    private func accept() {
        while true {
            let client = Glibc.accept(listener, nil, nil)
            let (mode, isClosed) = state.withLock { ($0.mode, $0.isClosed) }
            guard client >= 0, !isClosed else {
                if client >= 0 { Glibc.close(client) }
                Glibc.close(listener)
                return
            }
            guard mode != .refuse, mode != .full, let server = connectToTarget() else {
                Glibc.close(client)
                continue
            }
            state.withLock { _ = ($0.sockets.insert(client), $0.sockets.insert(server)) }
            Self.thread { self.pump(client, server) }
        }
    }

    /// Owns both sockets and closes them when one side ends.
    private func pump(_ client: Int32, _ server: Int32) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var waits = [
            pollfd(fd: client, events: Int16(POLLIN), revents: 0),
            pollfd(fd: server, events: Int16(POLLIN), revents: 0),
        ]
        while poll(&waits, 2, -1) >= 0 {
            var isOver = false
            for (from, to, wait) in [(client, server, waits[0]), (server, client, waits[1])] where wait.revents != 0 {
                let count = read(from, &buffer, buffer.count)
                if count <= 0 {
                    isOver = true
                    break
                }
                let passes = state.withLock { state in
                    let passes =
                        switch state.mode {
                        case .forward, .full: true
                        case .swallowReplies: from == client
                        case .blackHole, .refuse: false
                        }
                    if !passes { state.swallowedBytes += count }
                    return passes
                }
                if passes, !Self.write(buffer[..<count], to: to) { isOver = true }
            }
            if isOver { break }
        }
        state.withLock { _ = ($0.sockets.remove(client), $0.sockets.remove(server)) }
        Glibc.close(client)
        Glibc.close(server)
    }

    private static func write(_ bytes: ArraySlice<UInt8>, to socket: Int32) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private func connectToTarget() -> Int32? {
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.loopback(target)
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if status == 0 { return server }
        Glibc.close(server)
        return nil
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }

    private final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    private static func thread(_ body: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(Work(body)).toOpaque()
        let status = pthread_create(
            &thread, nil,
            { context in
                if let context { Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body() }
                return nil
            }, context)
        if status == 0 { pthread_detach(thread) }
    }
}
