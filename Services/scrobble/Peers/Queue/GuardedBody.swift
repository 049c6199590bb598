import AsyncHTTPClient
import NIOCore

/// The body of a write that leaves only while the lane is ours. The head has gone ahead by then, and no side acts on a
/// request without its body: what is left of the time in which a stopped process could tell a thing twice is that between
/// this question and the system's write.
struct GuardedBody: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    /// Somebody else holds the lane by now; the write has not happened.
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
