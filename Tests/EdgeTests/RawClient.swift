import Dispatch
import Glibc

/// A connection that sends exactly the bytes it is given, for what no well-behaved client would send.
final class RawClient: Sendable {
    struct Failure: Error { let call: String }

    /// POLLRDHUP, which the importer omits.
    private static let peerHungUp: Int16 = 0x2000

    private let descriptor: Int32

    /// Connects to a port of 127.0.0.1, from `source` if given; a read gives up after 10 s.
    init(port: Int, from source: String? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(call: "socket") }
        if let source {
            var own = sockaddr_in()
            own.sin_family = sa_family_t(AF_INET)
            inet_pton(AF_INET, source, &own.sin_addr)
            let isBound = withUnsafePointer(to: &own) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
            guard isBound else { throw Failure(call: "bind") }
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else { throw Failure(call: "connect") }
    }

    deinit { close(descriptor) }

    /// Reports no error if the other side has closed: the next read does.
    func write(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }

    /// Returns what arrives until `isEnough` returns true or the other side closes.
    func read(until isEnough: @escaping @Sendable (String) -> Bool) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                var text = ""
                var buffer = [UInt8](repeating: 0, count: 65_536)
                while !isEnough(text) {
                    let count = recv(self.descriptor, &buffer, buffer.count, 0)
                    if count < 0, errno != ECONNRESET {
                        return continuation.resume(throwing: Failure(call: "recv: \(errno)"))
                    }
                    guard count > 0 else { break }
                    text += String(decoding: buffer[..<count], as: UTF8.self)
                }
                continuation.resume(returning: text)
            }
        }
    }

    /// Returns what arrives until the other side closes.
    func readToEnd() async throws -> String { try await read { _ in false } }

    /// Waits, without reading, until the other side has reset the connection.
    func awaitClosing(within limit: Duration) async throws {
        let deadline = ContinuousClock.now.advanced(by: limit)
        while ContinuousClock.now < deadline {
            var entry = pollfd(fd: descriptor, events: Self.peerHungUp, revents: 0)
            if poll(&entry, 1, 20) > 0 { return }
            await Task.yield()
        }
        throw Failure(call: "the connection stays open")
    }

    /// Reads 64 KiB at a time with a pause after each, and returns the number of bytes read.
    func countToEnd(pause: Duration) async throws -> Int {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                var total = 0
                var buffer = [UInt8](repeating: 0, count: 65_536)
                while true {
                    let count = recv(self.descriptor, &buffer, buffer.count, 0)
                    if count < 0 {
                        return continuation.resume(throwing: Failure(call: "recv: \(errno) after \(total)"))
                    }
                    if count == 0 { return continuation.resume(returning: total) }
                    total += count
                    usleep(UInt32(pause / .microseconds(1)))
                }
            }
        }
    }
}
