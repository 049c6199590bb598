import Contracts
import RPC
import Store

/// `ratings.getStatistics`: a person's ratings in figures; years begin in the person's time zone.
struct GetStatistics: Sendable {
    let store: RatingsStore

    func run(_ params: GetStatisticsParams, _ context: RPCContext) async throws(RPCError) -> RatingStatistics {
        let timeZone = params.timeZone ?? "UTC"
        do throws(StoreError) {
            let (groups, reviewCount) = try await store.statistics(
                of: params.user, in: timeZone, until: context.deadline)
            return RatingStatistics(groups, reviewCount: reviewCount)
        } catch .invalidValue {
            throw .unknownTimeZone("the time zone \(timeZone) is unknown")
        } catch {
            throw error.asRPCError
        }
    }
}
