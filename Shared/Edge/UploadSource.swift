internal import Contracts
internal import Hummingbird
internal import NIOCore
internal import RPC

/// Passes on the body of one request as it arrives.
// SAFETY: whoever takes an upload asks for one piece at a time, so nobody else touches the state meanwhile.
final class UploadSource: EdgeUploadSource, @unchecked Sendable {
    private var pieces: RequestBody.AsyncIterator
    private let limits: EdgeLimits
    private var byteCount = 0

    init(_ body: RequestBody, limits: EdgeLimits) {
        pieces = body.makeAsyncIterator()
        self.limits = limits
    }

    /// Returns the next non-empty piece; nil at the end.
    func next() async throws(RPCError) -> [UInt8]? {
        do {
            while let buffer = try await pieces.next() {
                guard buffer.readableBytes > 0 else { continue }
                byteCount += buffer.readableBytes
                guard byteCount <= limits.uploadBytesMax else { throw Self.tooLarge(limits) }
                return Array(buffer.readableBytesView)
            }
            return nil
        } catch let error as RPCError {
            throw error
        } catch is BodyTimeout {
            throw .requestTimeout("no part of the body arrived for \(limits.bodyTimeout.components.seconds) seconds")
        } catch {
            throw .invalidRequest("the body is incomplete")
        }
    }

    static func tooLarge(_ limits: EdgeLimits) -> RPCError {
        .payloadTooLarge("the body is larger than \(limits.uploadBytesMax) bytes")
    }
}
