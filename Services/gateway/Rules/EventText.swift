internal import Contracts
internal import JSON

/// Events as a browser reads them: `text/event-stream` of the HTML standard.
enum EventText {
    static let contentType = "text/event-stream"
    static let heartbeat = Array(": \n\n".utf8)

    /// Tells clients to reconnect after two seconds, gives those without a place one, and shows proxies that something
    /// is coming.
    static func beginning(at place: String?) -> [UInt8] {
        Array("retry: 2000\n\(place.map { "id: \($0)\n" } ?? ""): welcome\n\n".utf8)
    }

    /// A place by itself: clients reconnect with it, but dispatch no event.
    static func place(_ place: String) -> [UInt8] { Array("id: \(place)\n\n".utf8) }

    static func event(_ event: FeedEvent) -> [UInt8] {
        Array("id: \(event.place)\nevent: \(event.kind)\ndata: ".utf8) + encodeJSON(event.event) + Array("\n\n".utf8)
    }

    /// A word about the stream itself. It has no id, so that a client reconnects with that of the last event.
    static func word(_ name: String) -> [UInt8] { Array("event: \(name)\ndata: {}\n\n".utf8) }
}

extension ReadyEvent {
    init(_ event: FeedEvent) { self.init(position: EventPosition(event.place), text: EventText.event(event)) }
}

/// The position of an event among all events.
struct EventPosition: Comparable {
    private let transaction: UInt64
    private let position: UInt64

    /// Nil for what is not a place: two numbers of at most 19 digits, as between services.
    init?(_ place: String) {
        let parts = place.split(separator: "-", omittingEmptySubsequences: false).map { digits in
            digits.utf8.count <= 19 && digits.utf8.allSatisfy { (0x30...0x39).contains($0) } ? UInt64(digits) : nil
        }
        guard parts.count == 2, let transaction = parts[0], let position = parts[1] else { return nil }
        self.transaction = transaction
        self.position = position
    }

    static func < (left: EventPosition, right: EventPosition) -> Bool {
        (left.transaction, left.position) < (right.transaction, right.position)
    }
}
