import Contracts
import RPC
import Store

/// `scrobble.eventsOf`: the events of one person since a place.
struct EventsOf: Sendable {
    let store: EventStore

    func run(_ params: EventsOfParams, _ context: RPCContext) async throws(RPCError) -> EventFeed {
        guard let place = EventPlace(params.after) else {
            throw .invalidParams("params.after: is not the place of an event")
        }
        let (isBroken, events) = try await asking { () throws(StoreError) in
            // In this order, so that a concurrent removal may report a gap that is none, but never hides one.
            let events = try await store.events(after: place, of: params.user, until: context.deadline)
            return (try await store.isBroken(after: place, until: context.deadline), events)
        }
        return EventFeed(
            events: events, next: events.last?.place ?? place.text, isBroken: isBroken ? true : nil)
    }
}
