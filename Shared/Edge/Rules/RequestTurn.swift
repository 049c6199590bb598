/// Whether more of what a client has sent over HTTP/1.1 may go on: the request in work to its end, the next one when that has
/// its answer, in its turn where it came sooner. Knows neither bytes nor a clock.
struct RequestTurn: Sendable, Hashable {
    enum Step: Sendable, Hashable {
        case goOn
        /// It must wait in the line of its loop.
        case awaitTurn
        /// Until the request in work has its answer, or the client has taken some of the answers before.
        case hold
    }

    /// Whether the request in work has not arrived whole.
    private(set) var isReceiving = false
    private var isAnswering = false
    private var hasTurn = true

    /// Whether no request is in work.
    var isFree: Bool { !isReceiving && !isAnswering }

    /// What becomes of what has come next. `hasRoom` says whether an answer can be written.
    func step(hasRoom: Bool) -> Step {
        if isReceiving { return .goOn }
        guard !isAnswering, hasRoom else { return .hold }
        return hasTurn ? .goOn : .awaitTurn
    }

    mutating func begin() { (isReceiving, isAnswering, hasTurn) = (true, true, false) }

    mutating func received() { isReceiving = false }

    mutating func answered() { isAnswering = false }

    mutating func come() { hasTurn = true }

    /// Nothing has come that waits: what comes next has not been sent ahead.
    mutating func rest() { if isFree { hasTurn = true } }
}
