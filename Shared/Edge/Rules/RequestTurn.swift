/// Decides whether more of what a client has sent over HTTP/1.1 may proceed: the request in work to its end, the next
/// one once that is answered, and in its turn if it was sent ahead. Knows neither bytes nor a clock.
struct RequestTurn: Sendable, Hashable {
    enum Step: Sendable, Hashable {
        case goOn
        /// It must wait in the line of its loop.
        case awaitTurn
        /// Nothing proceeds until the request in work is answered, or the client has taken some of the answers before.
        case hold
    }

    /// Whether the request in work has not fully arrived.
    private(set) var isReceiving = false
    private var isAnswering = false
    private var hasTurn = true

    /// Whether no request is in work.
    var isFree: Bool { !isReceiving && !isAnswering }

    /// Returns what to do with the next part. `hasRoom` tells whether an answer can be written.
    func step(hasRoom: Bool) -> Step {
        if isReceiving { return .goOn }
        guard !isAnswering, hasRoom else { return .hold }
        return hasTurn ? .goOn : .awaitTurn
    }

    mutating func begin() { (isReceiving, isAnswering, hasTurn) = (true, true, false) }

    mutating func received() { isReceiving = false }

    mutating func answered() { isAnswering = false }

    mutating func come() { hasTurn = true }

    /// Notes that nothing is waiting: what arrives next was not sent ahead.
    mutating func rest() { if isFree { hasTurn = true } }
}
