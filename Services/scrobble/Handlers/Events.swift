import Contracts
import RPC
import Store

/// `scrobble.events`: everybody's events, in order. Waits for one to happen if a wait is given.
struct Events: Sendable {
    let store: EventStore
    let bell: EventBell

    func run(_ params: EventsParams, _ context: RPCContext) async throws(RPCError) -> EventFeed {
        guard let after = params.after else {
            let end = try await asking { () throws(StoreError) in try await store.end(until: context.deadline) }
            return EventFeed(events: [], next: end.text)
        }
        guard let place = EventPlace(after) else { throw .invalidParams("params.after: is not the place of an event") }
        let now = ContinuousClock.now
        let end = min(
            now + .seconds(params.waitSeconds ?? 0), context.deadline - EventLimits.answerMargin)
        while true {
            let rings = bell.rings
            let events = try await asking { () throws(StoreError) in
                try await store.events(after: place, until: context.deadline)
            }
            let left = end - .now
            if !events.isEmpty || left <= .zero || bell.isDraining || Task.isCancelled {
                return EventFeed(events: events, next: events.last?.place ?? place.text)
            }
            await bell.wait(after: rings, atMost: min(left, EventLimits.poll))
        }
    }
}
