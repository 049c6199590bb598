/// The body of a response that is sent as it is produced, because it is too large to gather or never ends.
package struct EdgeStream: Sendable {
    package let contentType: String
    /// The file name for browsers, plain ASCII without quotes; nil if it is not a file.
    package let name: String?
    /// The total number of bytes, if known in advance; a body of a different length does not end properly.
    package let length: Int?
    /// Returns the next piece, or nil at the end; called when there is room for it, one call at a time. An error cuts
    /// the connection, so that nobody takes the part for the whole.
    package let next: @Sendable () async throws -> [UInt8]?
    /// Called once: after the last piece, or when nobody reads any more, after which `next` returns nil. Not called if
    /// the body was never requested.
    package let end: @Sendable () async -> Void
    /// Writes the rest by itself, if the connection can be handed over for that; nil if `next` must be called. Neither
    /// `next` nor `end` is called afterwards.
    package let rest: (any EdgeRest)?

    package init(
        contentType: String, name: String? = nil, length: Int? = nil, rest: (any EdgeRest)? = nil,
        next: @escaping @Sendable () async throws -> [UInt8]?,
        end: @escaping @Sendable () async -> Void = {}
    ) {
        self.contentType = contentType
        self.name = name
        self.length = length
        self.next = next
        self.end = end
        self.rest = rest
    }
}

/// The rest of a stream, pushed when it arrives instead of pulled, so that no task waits for rare events.
package protocol EdgeRest: Sendable {
    /// Whether nothing is pending: the next piece has yet to arrive.
    var isReady: Bool { get }
    /// Starts writing what arrives to `line`, until either side ends it.
    func goOn(on line: any EdgeLine)
}

/// A connection, as far as the rest of a stream writes to it. Nothing here blocks; calls may come from any thread.
package protocol EdgeLine: Sendable {
    /// Whether the client keeps up: what is written without room is kept in memory.
    var hasRoom: Bool { get }
    func write(_ piece: [UInt8])
    /// Writes a last piece, which may be empty, and then closes the connection.
    func end(_ last: [UInt8])
    /// Calls `tell` when there is room again and when the client is gone, at once if it already is.
    func follow(_ tell: @escaping @Sendable (EdgeLineNews) -> Void)
}

package enum EdgeLineNews: Sendable {
    case room
    /// The connection was closed, by either side; nothing follows.
    case gone
}

/// The body of a request in whatever form it came, as far as it was kept.
package struct EdgeBody: Sendable, Hashable {
    /// The field as received; empty if there was none.
    package let contentType: String
    package let bytes: [UInt8]
    /// Whether it was longer than what is kept.
    package let isCut: Bool
    /// Whether it was longer than the edge reads at all; the rest was not awaited.
    package let isTooLarge: Bool

    package init(contentType: String, bytes: [UInt8], isCut: Bool = false, isTooLarge: Bool = false) {
        self.contentType = contentType
        self.bytes = bytes
        self.isCut = isCut
        self.isTooLarge = isTooLarge
    }
}
