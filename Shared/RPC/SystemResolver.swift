import Glibc
package import HTTP2
import NIOPosix

/// Finds the addresses of a target; may fail with any error, whose text is for logs only.
package typealias RPCResolver = @Sendable (_ target: RPCTarget) async throws -> [H2Address]

/// The system's own name look-up, on a helper thread since it blocks.
package enum SystemResolver {
    /// A name that the system could not resolve; the text is its own.
    package struct Failure: Error, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// Every address of the target, each once, in the system's order.
    package static let resolve: RPCResolver = { target in
        try await NIOThreadPool.singleton.runIfActive { try lookUp(target) }
    }

    private static func lookUp(_ target: RPCTarget) throws -> [H2Address] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var first: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(target.host, nil, &hints, &first)
        guard status == 0 else {
            throw Failure(description: gai_strerror(status).map { String(cString: $0) } ?? "error \(status)")
        }
        defer { freeaddrinfo(first) }
        var addresses: [H2Address] = []
        var next = first
        while let entry = next {
            if let host = text(of: entry.pointee) {
                let address = H2Address(host: host, port: target.port)
                if !addresses.contains(address) { addresses.append(address) }
            }
            next = entry.pointee.ai_next
        }
        return addresses
    }

    private static func text(of entry: addrinfo) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let status = getnameinfo(
            entry.ai_addr, entry.ai_addrlen, &buffer, socklen_t(buffer.count), nil, 0, NI_NUMERICHOST)
        guard status == 0 else { return nil }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
