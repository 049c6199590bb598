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

    package init(
        contentType: String, name: String? = nil, length: Int? = nil,
        next: @escaping @Sendable () async throws -> [UInt8]?,
        end: @escaping @Sendable () async -> Void = {}
    ) {
        self.contentType = contentType
        self.name = name
        self.length = length
        self.next = next
        self.end = end
    }
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
