import GRPCCore
import Glibc
import SwiftProtobuf

/// The benchmark's method on grpc-swift-2, with the same fields and checks as our server.
struct RatingsPeer: Reelay_Bench_Ratings.SimpleServiceProtocol {
    /// The largest review, in bytes.
    private static let reviewBytesMax = 50_000
    /// How far in the future a date may be, in seconds.
    private static let aheadSecondsMax: Int64 = 300

    func rateTitle(
        request: Reelay_Bench_RateTitleRequest, context: ServerContext
    ) async throws -> Reelay_Bench_Rating {
        let now = Self.nowSeconds()
        if let fault = Self.fault(in: request, now: now) { throw RPCError(code: .invalidArgument, message: fault) }
        return .with {
            $0.title = request.title
            $0.kind = request.kind
            $0.ratingTenths = request.ratingTenths
            if request.hasReview { $0.review = request.review }
            $0.spoiler = request.spoiler
            $0.ratedAt = .with { $0.seconds = request.hasRatedAt ? request.ratedAt.seconds : now }
            $0.updatedAt = .with { $0.seconds = now }
        }
    }

    /// The fault of a request; nil if there is none.
    private static func fault(in request: Reelay_Bench_RateTitleRequest, now: Int64) -> String? {
        if !isUUID(request.user) { return "user is no UUID" }
        if !isUUID(request.title) { return "title is no UUID" }
        switch request.kind {
        case .movie, .series, .season, .episode: break
        case .unspecified, .UNRECOGNIZED: return "kind is unknown"
        }
        if !(1...100).contains(request.ratingTenths) { return "rating is out of range" }
        if request.hasReview, !(1...reviewBytesMax).contains(request.review.utf8.count) {
            return "review is empty or too long"
        }
        if request.hasRatedAt, request.ratedAt.seconds > now + aheadSecondsMax { return "date in the future" }
        return nil
    }

    private static func isUUID(_ text: String) -> Bool {
        guard text.utf8.count == 36 else { return false }
        var offset = 0
        for byte in text.utf8 {
            switch offset {
            case 8, 13, 18, 23: if byte != UInt8(ascii: "-") { return false }
            default:
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
                    UInt8(ascii: "A")...UInt8(ascii: "F"):
                    break
                default: return false
                }
            }
            offset += 1
        }
        return true
    }

    private static func nowSeconds() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec)
    }
}
