import Contracts
import RPC

/// What a list shows of its titles, in two concurrent calls for any page.
struct TitleCards: Sendable {
    private let titles: [TitleID: Title]
    private let mine: [TitleID: Rating]

    /// Titles that metadata does not know are shown with what the list knows of them.
    init(
        of ids: [TitleID], for user: UserID, _ metadata: MetadataClient, _ ratings: RatingsClient, _ call: RPCCall
    ) async throws(RPCError) {
        let ids = Array(Set(ids))
        guard !ids.isEmpty else {
            (titles, mine) = ([:], [:])
            return
        }
        let (found, rated) = await together(
            { () async throws(RPCError) in try await metadata.getTitles(GetTitlesParams(titles: ids), call) },
            { () async throws(RPCError) in try await ratings.ratings(of: ids, by: user, call) })
        let known = try found.get().found
        titles = Dictionary(known.map { ($0.asked, $0.title) }) { first, _ in first }
        let all = try await ratings.completed(try rated.get(), of: known, by: user, call)
        mine = Dictionary(all.map { ($0.title, $0) }) { first, _ in first }
    }

    /// The title that an id now stands for.
    subscript(id: TitleID) -> Title? { titles[id] }

    func card(_ id: TitleID, _ kind: TitleKind) -> TitleCard {
        titles[id].map(TitleCard.init) ?? TitleCard(nothingKnownOf: id, kind)
    }

    func world(_ id: TitleID) -> [ExternalRating] { titles[id]?.externalRatings ?? [] }

    /// A merged title is rated under the id of the title that it was merged into.
    func myRating(_ id: TitleID) -> Rating? { titles[id].flatMap { mine[$0.id] } ?? mine[id] }
}
