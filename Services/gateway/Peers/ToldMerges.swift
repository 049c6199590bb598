import Contracts
import JSON
import RPC
import Synchronization

/// The ratings service, which is not told of a merge again once it has said that everything is moved.
///
/// Nothing appears under the old id after that: ratings store a merge before they move, and then each write under that
/// id means the title that stayed, whoever sends it and however late. One forgotten here is told again, harmlessly.
final class ToldMerges: RPCCaller {
    /// The maximum number of merges remembered.
    static let movesMax = 10_000
    /// How long they are remembered: ratings restored from a backup may not know a merge any more.
    static let askAgainInterval = Duration.seconds(3_600)

    private let ratings: any RPCCaller
    private let now: @Sendable () -> ContinuousClock.Instant
    /// The merges that were applied, and until when that is believed.
    private let moved = Mutex<[TitleMove: ContinuousClock.Instant]>([:])

    init(_ ratings: any RPCCaller, now: @escaping @Sendable () -> ContinuousClock.Instant) {
        self.ratings = ratings
        self.now = now
    }

    func call<Params: JSONEncodable, Result: JSONDecodable>(
        _ method: RPCMethod, _ params: Params, _ call: RPCCall
    ) async throws(RPCError) -> Result {
        guard let asked = params as? ApplyRedirectsParams else { return try await ratings.call(method, params, call) }
        let left = untold(among: asked.redirects)
        if left.isEmpty, let known = AppliedRedirects(moved: 0, met: 0, done: true) as? Result { return known }
        let answer: Result = try await ratings.call(method, ApplyRedirectsParams(redirects: left), call)
        if let outcome = answer as? AppliedRedirects, outcome.done { remember(left) }
        return answer
    }

    private func untold(among moves: [TitleMove]) -> [TitleMove] {
        let now = self.now()
        return moved.withLock { moved in
            moves.filter { move in moved[move].map { $0 <= now } ?? true }
        }
    }

    private func remember(_ moves: [TitleMove]) {
        let now = self.now()
        moved.withLock { moved in
            if moved.count + moves.count > Self.movesMax { moved = moved.filter { $0.value > now } }
            if moved.count + moves.count > Self.movesMax { moved.removeAll() }
            for move in moves { moved[move] = now.advanced(by: Self.askAgainInterval) }
        }
    }
}
