import Contracts
import RPC

/// Ratings hear of merges some seconds after metadata, which decides under which ids titles are read and rated. Until
/// then the gateway passes on the merges that it comes upon, so that what was rated under an earlier id is found under
/// the current one. A title lists its recent earlier ids; if there are none, as nearly always, no call is made.
extension RatingsClient {
    /// The maximum number of merges per call.
    private static let movesMax = 500
    /// The longest that a read waits for ratings to move; then it answers without them.
    private static let followTimeout = Duration.seconds(2)

    /// Returns when everything that was rated under the old ids is under the new ones.
    func follow(_ moves: [TitleMove], _ call: RPCCall) async throws(RPCError) {
        let moves = Array(Set(moves))
        for start in stride(from: 0, to: moves.count, by: Self.movesMax) {
            let part = ApplyRedirectsParams(redirects: Array(moves[start..<min(start + Self.movesMax, moves.count)]))
            var isDone = false
            while !isDone { isDone = try await applyRedirects(part, call).done }
        }
    }

    /// Like `follow`, for a read, which is worth answering before all have moved, or if they cannot be moved now.
    func followSoon(_ moves: [TitleMove], _ call: RPCCall) async {
        guard !moves.isEmpty else { return }
        let latest = min(call.deadline, .now.advanced(by: Self.followTimeout))
        let brief = RPCCall(deadline: latest, trace: call.trace, attempt: call.attempt)
        _ = await outcome { () async throws(RPCError) in try await follow(moves, brief) }
    }

    /// Returns a person's ratings of titles that were requested together with the titles: `rated`, and what may have
    /// been given under an earlier id.
    func completed(
        _ rated: [Rating], of found: [FoundTitle], by user: UserID, _ call: RPCCall
    ) async throws(RPCError) -> [Rating] {
        let moved = found.filter { $0.title.hasMoves(from: $0.asked) }
        guard !moved.isEmpty else { return rated }
        let known = Set(rated.map(\.title))
        let missing = moved.filter { !known.contains($0.title.id) }
        guard !missing.isEmpty else { return rated }
        await followSoon(missing.flatMap(\.moves), call)
        return rated + (try await ratings(of: Array(Set(missing.map(\.title.id))), by: user, call))
    }
}

extension Title {
    /// Merges that ratings may not have heard of.
    var moves: [TitleMove] { (mergedIds ?? []).map { TitleMove(from: $0, to: id) } }

    /// Whether there are any for a request under the id `asked`.
    func hasMoves(from asked: TitleID) -> Bool { asked != id || mergedIds?.isEmpty == false }
}

extension FoundTitle {
    /// Merges that ratings may not have heard of, including that of the requested id, however long ago it was.
    var moves: [TitleMove] {
        asked == title.id || title.mergedIds?.contains(asked) == true
            ? title.moves : title.moves + [TitleMove(from: asked, to: title.id)]
    }
}

extension TitleID {
    /// The longest that a rating waits to learn which title this is.
    private static let standingTimeout = Duration.seconds(3)

    /// Returns the title that this id now stands for; nil if metadata does not answer.
    func standing(in metadata: MetadataClient, _ context: EdgeContext) async -> FoundTitle? {
        let title = try? await metadata.getTitle(
            GetTitleParams(title: self), context.rpc.outgoing(timeout: Self.standingTimeout))
        return title.map { FoundTitle(asked: self, title: $0) }
    }
}
