import Contracts
import Glibc
import RPC

/// Answers a rating as the ratings service does, but stores nothing.
struct RatingsEcho: Sendable {
    /// How far in the future a date may be.
    private static let aheadMax: Duration = .seconds(300)

    func rateTitle(_ params: RateTitleParams, _ context: RPCContext) async throws(RPCError) -> Rating {
        let now = now
        if let ratedAt = params.ratedAt, ratedAt > now.advanced(by: Self.aheadMax) {
            throw .dateInFuture("rated_at is more than five minutes in the future")
        }
        return Rating(
            title: params.title, kind: params.kind, rating: params.rating, review: params.review,
            spoiler: params.spoiler ?? false, ratedAt: params.ratedAt ?? now, updatedAt: now)
    }

    private var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(clampingMicrosecondsSinceEpoch: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }
}
