package import RPC

/// Gives the body of a request in pieces while it arrives.
package protocol EdgeUploadSource: Sendable {
    /// The next piece, nil at the end; one call at a time. Throws `payloadTooLarge`, `requestTimeout`, and
    /// `invalidRequest` where the client went away.
    func next() async throws(RPCError) -> [UInt8]?
}

/// The body of a request that is taken in pieces while it arrives.
package struct EdgeUpload: Sendable {
    /// As the client named it; nil where it did not.
    package let contentType: String?
    private let source: any EdgeUploadSource

    package init(contentType: String?, source: any EdgeUploadSource) {
        self.contentType = contentType
        self.source = source
    }

    /// As the source says.
    package func next() async throws(RPCError) -> [UInt8]? { try await source.next() }
}
