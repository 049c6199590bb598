import Contracts
import RPC
import Store

/// `metadata.getRatingHistory`: a page of the changes of a title's scores, latest first. Throws `wrongKind` if a kind
/// is given and the title is of another.
struct GetRatingHistory: Sendable {
    static let limitDefault = 50

    let store: MetadataStore

    func run(_ params: GetRatingHistoryParams, _ context: RPCContext) async throws(RPCError) -> RatingHistory {
        var before = Int.max
        if let cursor = params.cursor {
            guard let number = Int(cursor, radix: 36), number > 0 else {
                throw .invalidCursor("this cursor does not belong to this list")
            }
            before = number
        }
        let limit = params.limit ?? Self.limitDefault
        let stored = try await asking { () throws(StoreError) in
            try await store.title(params.title, until: context.deadline)
        }
        guard let title = stored?.title else { throw .titleNotFound("no title has this id") }
        try title.checked(params.kind)
        let rows = try await asking { [before] () throws(StoreError) in
            try await store.history(
                of: title.id, source: params.source, before: before, limit: limit, until: context.deadline)
        }
        let next = rows.count < limit ? nil : rows.last.map { String($0.number, radix: 36) }
        return RatingHistory(title: title.id, changes: rows.map(\.change), nextCursor: next)
    }
}
