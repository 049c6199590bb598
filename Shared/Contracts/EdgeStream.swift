/// The body of an answer that is sent as it is made, for what is too large to gather or never ends.
package struct EdgeStream: Sendable {
    package let contentType: String
    /// Under which name a browser keeps it, plain ASCII without quotes; nil for what is not a file.
    package let name: String?
    /// Bytes of all pieces together, where they are known before they are made; a body of another length has no end.
    package let length: Int?
    /// The next piece, asked for when there is room for it and one at a time; nil at the end. An error cuts the connection, so
    /// that nobody takes the part for the whole.
    package let next: @Sendable () async throws -> [UInt8]?
    /// Called once: after the last piece, or when nobody reads any more, upon which `next` answers nil. Not called where the body
    /// was never asked for.
    package let end: @Sendable () async -> Void
    /// Writes what is still to come by itself, where the connection can be had for that; nil for what must be asked. Neither
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

/// What is still to come of a stream, told when it comes instead of asked for: nobody waits in a task for what is seldom.
package protocol EdgeRest: Sendable {
    /// Whether the next piece is one that nobody knows of yet.
    var isReady: Bool { get }
    /// Begins to write what comes to `line`, until one of them ends it.
    func goOn(on line: any EdgeLine)
}

/// A connection as far as the rest of a stream writes to it. Nothing here waits; calls may come from any thread.
package protocol EdgeLine: Sendable {
    /// Whether the client keeps up: what is written without room is kept in memory.
    var hasRoom: Bool { get }
    func write(_ piece: [UInt8])
    /// Writes a last piece, which may be empty, and closes the connection behind it.
    func end(_ last: [UInt8])
    /// Calls `tell` when there is room again and when the client has gone, at once where it has.
    func follow(_ tell: @escaping @Sendable (EdgeLineNews) -> Void)
}

package enum EdgeLineNews: Sendable {
    case room
    /// The connection is closed, by whichever side; nothing follows.
    case gone
}

/// A request's body in whatever form it came, as far as it was kept.
package struct EdgeBody: Sendable, Hashable {
    /// The field as it came; empty where there was none.
    package let contentType: String
    package let bytes: [UInt8]
    /// Whether more followed than is kept.
    package let isCut: Bool
    /// Whether it was longer than the edge reads at all; the rest was not waited for.
    package let isTooLarge: Bool

    package init(contentType: String, bytes: [UInt8], isCut: Bool = false, isTooLarge: Bool = false) {
        self.contentType = contentType
        self.bytes = bytes
        self.isCut = isCut
        self.isTooLarge = isTooLarge
    }
}
