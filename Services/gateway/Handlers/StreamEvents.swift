import Contracts
import RPC

/// `streamEvents`: a person's events, as they happen.
struct StreamEvents: Sendable {
    let relay: EventRelay
    let scrobble: ScrobbleClient

    func run(
        _ input: StreamEventsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeStream> {
        try await relay.admit(caller.user)
        let source = EventSource(
            caller: caller, relay: relay, scrobble: scrobble, lastID: input.lastEventID, seconds: input.seconds)
        let stream = EdgeStream(contentType: EventText.contentType, rest: source) {
            try await source.next()
        } end: {
            source.end()
        }
        // Proxies must not buffer what is to arrive at once.
        return EdgeReply(stream, headers: [("x-accel-buffering", "no")])
    }
}
