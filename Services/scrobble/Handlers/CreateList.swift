import Contracts
import RPC
import Store

/// `scrobble.createList`: creates a list. The same call again, under the same key, yields the same list.
struct CreateList: Sendable {
    let lists: ListStore
    let clock: any WallClock
    let ids: any IDSource

    func run(_ params: CreateListParams, _ context: RPCContext) async throws(RPCError) -> TitleList {
        let now = clock.now
        let description = params.description.flatMap { $0.isEmpty ? nil : $0 }
        let new = NewList(
            name: params.name, description: description, isRanked: params.isRanked ?? false, createdAt: now,
            sourceKey: context.idempotencyKey ?? "\(ids.next())")
        let put = try await writing { () throws(StoreError) in
            try await lists.make(new, by: .person(params.user, at: now), until: context.deadline)
        }
        switch put {
        case .tooMany: throw .tooMany("a person may have at most \(LedgerLimits.listsMax) lists")
        case .made(let list): return list.contract
        case .wasMade(let list):
            // Once the list has been edited, nobody can tell what the first call said.
            let isSame = list.name == new.name && list.description == description && list.isRanked == new.isRanked
            guard isSame || list.changedAt != list.createdAt else {
                throw .idempotencyKeyReused("this Idempotency-Key was already used for another list")
            }
            return list.contract
        }
    }
}

extension StoredList {
    var contract: TitleList {
        TitleList(
            id: id, name: name, description: description, isRanked: isRanked, itemCount: itemCount,
            createdAt: createdAt, updatedAt: changedAt, source: source)
    }
}
