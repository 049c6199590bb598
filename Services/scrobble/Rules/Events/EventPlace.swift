/// The position of an event among all events: its transaction, and its position within that.
struct EventPlace: Sendable, Hashable {
    let transaction: String
    let position: Int64

    init(transaction: String, position: Int64) {
        self.transaction = transaction
        self.position = position
    }

    /// Parses the output of `text`; nil for anything else.
    init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, UInt64(parts[0]) != nil, let position = UInt64(parts[1]) else { return nil }
        self.init(transaction: String(parts[0]), position: Int64(clamping: position))
    }

    var text: String { "\(transaction)-\(position)" }
}
