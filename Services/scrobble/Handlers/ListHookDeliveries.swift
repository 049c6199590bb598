import Contracts
import RPC
import Store

/// `scrobble.listHookDeliveries`: what a hook was sent, newest first.
struct ListHookDeliveries: Sendable {
    static let limitDefault = 50

    let store: HookStore

    func run(_ params: ListHookDeliveriesParams, _ context: RPCContext) async throws(RPCError) -> HookDeliveryList {
        let limit = params.limit ?? Self.limitDefault
        var last = HookDeliveryID(UUIDBits(high: .max, low: .max))
        if let cursor = params.cursor {
            guard let place = HistoryCursor(cursor) else {
                throw .invalidCursor("this cursor does not belong to a hook's deliveries")
            }
            last = HookDeliveryID(place.id.uuid)
        }
        let listed = try await asking { () throws(StoreError) in
            try await store.deliveries(
                of: params.hook, params.user, before: last, limit: limit + 1, until: context.deadline)
        }
        if listed.isEmpty {
            _ = try await GetHook(store: store).run(GetHookParams(user: params.user, hook: params.hook), context)
        }
        let page = Array(listed.prefix(limit))
        let next = page.last.map { HistoryCursor(listedAt: $0.receivedAt, id: PlayID($0.id.uuid)).text }
        return HookDeliveryList(deliveries: page, nextCursor: listed.count > limit ? next : nil)
    }
}
