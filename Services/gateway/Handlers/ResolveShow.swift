import Contracts
import RPC

/// `resolveShow`: the series that the request describes, with the caller's rating.
struct ResolveShow: Sendable {
    let titles: TitleDesk

    func run(
        _ input: ResolveShowInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TVSeries> {
        let body = input.body
        let params = ResolveTitleParams(kind: .series, ids: body.ids, name: body.name, year: body.year)
        return EdgeReply(try await titles.resolve(params, caller.user, context))
    }
}
