import Glibc
package import HTTP2
import NIOPosix
import Synchronization

/// Finds the addresses of a target; may throw any error, whose text is for logs only.
package typealias RPCResolver = @Sendable (_ target: RPCTarget) async throws -> [H2Address]

/// The system's name resolution, on a helper thread since it blocks.
package enum SystemResolver {
    /// A name that the system could not resolve; the text is the system's.
    package struct Failure: Error, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// Returns the addresses of the target, without duplicates, in the system's order.
    ///
    /// `getaddrinfo` cannot be cancelled: a cancelled look-up is abandoned at once and ends on its thread at some
    /// point, so that an unresponsive name server never delays a shutdown.
    package static let resolve: RPCResolver = { target in
        let answer = Answer()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                answer.await(continuation)
                NIOThreadPool.singleton.submit { _ in answer.settle(Result { try lookUp(target) }) }
            }
        } onCancel: {
            answer.settle(.failure(CancellationError()))
        }
    }

    /// Takes the first of two outcomes, the look-up's and the cancellation's, which may come before the continuation.
    private final class Answer: Sendable {
        private enum State {
            case open
            case waiting(CheckedContinuation<[H2Address], any Error>)
            case settled(Result<[H2Address], any Error>)
            case done
        }

        private let state = Mutex(State.open)

        func await(_ continuation: CheckedContinuation<[H2Address], any Error>) {
            let early: Result<[H2Address], any Error>? = state.withLock { state in
                if case .settled(let result) = state {
                    state = .done
                    return result
                }
                state = .waiting(continuation)
                return nil
            }
            if let early { continuation.resume(with: early) }
        }

        func settle(_ result: Result<[H2Address], any Error>) {
            let waiting: CheckedContinuation<[H2Address], any Error>? = state.withLock { state in
                switch state {
                case .open:
                    state = .settled(result)
                    return nil
                case .waiting(let continuation):
                    state = .done
                    return continuation
                case .settled, .done:
                    return nil
                }
            }
            waiting?.resume(with: result)
        }
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
