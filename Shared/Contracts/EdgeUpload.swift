package import RPC

/// Supplies the body of a request in pieces as it arrives.
package protocol EdgeUploadSource: Sendable {
    /// Returns the next piece, or nil at the end; one call at a time. Throws `payloadTooLarge`, `requestTimeout`, and
    /// `invalidRequest` if the client is gone.
    func next() async throws(RPCError) -> [UInt8]?
}

/// The body of a request, taken in pieces as it arrives.
package struct EdgeUpload: Sendable {
    /// The content type given by the client; nil if there was none.
    package let contentType: String?
    private let source: any EdgeUploadSource

    package init(contentType: String?, source: any EdgeUploadSource) {
        self.contentType = contentType
        self.source = source
    }

    /// Returns the next piece, as `EdgeUploadSource.next` does.
    package func next() async throws(RPCError) -> [UInt8]? { try await source.next() }
}
