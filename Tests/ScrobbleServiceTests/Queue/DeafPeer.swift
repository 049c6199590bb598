import Glibc

/// A peer that accepts connections but reads nothing until told to.
final class DeafPeer: Sendable {
    let port: UInt16
    private let listener: Int32

    struct Failure: Error { let call: String }

    /// What was received on one connection.
    struct Heard {
        var count = 0
        /// Whether the connection was closed in order, after everything was sent.
        var isWhole = false
    }

    init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        // Limits how much is buffered unread; connections inherit it.
        var size: Int32 = 4_096
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size)) == 0
                    && bind(descriptor, $0, length) == 0 && listen(descriptor, 4) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard descriptor >= 0, isListening else { throw Failure(call: "listen") }
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        listener = descriptor
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(listener) }

    /// Returns the next connection, waiting at most `limit`.
    func accept(within limit: Duration = .seconds(10)) async throws -> Int32 {
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < end {
            let connection = Glibc.accept(listener, nil, nil)
            if connection >= 0 { return connection }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw Failure(call: "accept")
    }

    /// Reads a connection to its end, however it ends, and closes it.
    func hear(_ connection: Int32) -> Heard {
        var heard = Heard()
        var patience = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else {
                heard.isWhole = count == 0
                break
            }
            heard.count += count
        }
        close(connection)
        return heard
    }
}
