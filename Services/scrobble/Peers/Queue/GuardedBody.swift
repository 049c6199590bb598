import AsyncHTTPClient
import NIOCore

/// A request body that is sent only while the worker still holds the lane. The head has been sent by then, and no
/// provider acts on a request without its body. A suspended process can therefore deliver something twice only between
/// this check and the system's write.
struct GuardedBody: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    /// Thrown if somebody else holds the lane by now; nothing was written.
    struct LaneLost: Error {}

    let bytes: [UInt8]
    let isOurs: @Sendable () -> Bool

    struct Iterator: AsyncIteratorProtocol {
        var left: [UInt8]?
        let isOurs: @Sendable () -> Bool

        mutating func next() async throws -> ByteBuffer? {
            guard let bytes = left else { return nil }
            left = nil
            guard isOurs() else { throw LaneLost() }
            return ByteBuffer(bytes: bytes)
        }
    }

    func makeAsyncIterator() -> Iterator { Iterator(left: bytes, isOurs: isOurs) }
}

extension HTTPClientRequest.Body {
    static func guarded(_ bytes: [UInt8], by isOurs: @escaping @Sendable () -> Bool) -> HTTPClientRequest.Body {
        .stream(GuardedBody(bytes: bytes, isOurs: isOurs), length: .known(Int64(bytes.count)))
    }
}
