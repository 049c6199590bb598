import Contracts
import RPC
import Store

/// `ratings.getStatistics`: a person's ratings in figures; its years begin where the person lives.
struct GetStatistics: Sendable {
    private static let utc = "UTC"

    let store: RatingsStore

    func run(_ params: GetStatisticsParams, _ context: RPCContext) async throws(RPCError) -> RatingStatistics {
        let timeZone = params.timeZone ?? Self.utc
        do throws(StoreError) {
            let (groups, reviewCount) = try await store.statistics(
                of: params.user, in: timeZone, until: context.deadline)
            return RatingStatistics(groups, reviewCount: reviewCount)
        } catch .fault where timeZone != Self.utc {
            throw .unknownTimeZone("nobody knows the time zone \(timeZone)")
        } catch {
            throw error.asRPCError
        }
    }
}
