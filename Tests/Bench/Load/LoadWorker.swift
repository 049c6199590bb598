import Contracts
import JSON
import RPC

/// Makes one call after the other; its keys walk through all ratings in an order that visits each once.
struct LoadWorker: Sendable {
    let plan: LoadPlan
    let client: RPCClient
    let number: Int

    /// Coprime to the number of ratings, so that the walk meets every one.
    private static let stride = 7_919

    func run(from start: ContinuousClock.Instant, until end: ContinuousClock.Instant) async -> LoadTally {
        let ratings = RatingsClient(client)
        var tally = LoadTally()
        var place = number * Self.stride * 97
        var started = ContinuousClock.now
        while started < end {
            place += Self.stride
            let call = RPCCall(deadline: started.advanced(by: LoadPlan.callTimeout))
            var failure: RPCError?
            do throws(RPCError) {
                try await run(ratings, place, call)
            } catch {
                failure = error
            }
            let ended = ContinuousClock.now
            if started >= start, ended <= end || failure != nil { tally.add(started.duration(to: ended), failure) }
            started = ended
        }
        return tally
    }

    private func run(_ ratings: RatingsClient, _ place: Int, _ call: RPCCall) async throws(RPCError) {
        let user = plan.users[place / plan.titles.count % plan.users.count]
        let title = plan.titles[place % plan.titles.count]
        switch plan.work {
        case .read:
            _ = try await ratings.getRating(GetRatingParams(user: user, title: title), call)
        case .write:
            let params = RateTitleParams(
                user: user, title: title, kind: .movie, rating: DecimalTenths(tenths: 1 + place % 100),
                review: "Holds up.", spoiler: nil, ratedAt: nil)
            _ = try await ratings.rateTitle(params, call)
        }
    }
}
