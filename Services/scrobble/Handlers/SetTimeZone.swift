import Contracts
import RPC
import Store

/// `scrobble.setTimeZone`: sets a person's time zone. Repeating it changes nothing.
struct SetTimeZone: Sendable {
    let desk: WatchDesk
    let store: HookStore

    func run(_ params: SetTimeZoneParams, _ context: RPCContext) async throws(RPCError) -> TimeZoneChange {
        // Throws if the zone is unknown.
        _ = try await desk.today(params.timeZone, context)
        let isChanged = try await asking { () throws(StoreError) in
            try await store.setTimeZone(params.timeZone, of: params.user, until: context.deadline)
        }
        return TimeZoneChange(changed: isChanged)
    }
}
