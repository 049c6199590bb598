internal import Contracts
internal import JSON

/// Events as a browser reads them: `text/event-stream` of the HTML standard.
enum EventText {
    static let contentType = "text/event-stream"
    static let heartbeat = Array(": \n\n".utf8)

    /// Tells clients to come back after two seconds, and where they are if they have no place yet, and proxies that something is
    /// coming.
    static func beginning(at place: String?) -> [UInt8] {
        Array("retry: 2000\n\(place.map { "id: \($0)\n" } ?? ""): welcome\n\n".utf8)
    }

    /// A place by itself: clients come back with it, and hear of nothing.
    static func place(_ place: String) -> [UInt8] { Array("id: \(place)\n\n".utf8) }

    static func event(_ event: FeedEvent) -> [UInt8] {
        Array("id: \(event.place)\nevent: \(event.kind)\ndata: ".utf8) + encodeJSON(event.event) + Array("\n\n".utf8)
    }

    /// A word about the stream itself; it has no id, so that a client comes back with that of the last event.
    static func word(_ name: String) -> [UInt8] { Array("event: \(name)\ndata: {}\n\n".utf8) }
}

extension ReadyEvent {
    init(_ event: FeedEvent) { self.init(position: EventPosition(event.place), text: EventText.event(event)) }
}

/// Where an event stands among all.
struct EventPosition: Comparable {
    private let transaction: UInt64
    private let position: UInt64

    /// Nil for what is no place: two numbers of 19 digits at most, as between services.
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
