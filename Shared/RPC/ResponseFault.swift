/// How a response can violate JSON-RPC or HTTP; the call fails, the connection stays.
package enum ResponseFault: Sendable, Hashable {
    /// An HTTP status other than 200 that has no meaning here.
    case status(Int)
    case contentType
    /// Not exactly one strict JSON object.
    case notJSON
    case version
    case missingID
    case wrongID
    /// Both result and error.
    case both
    /// Neither result nor error.
    case neither
    /// An error without an integer code or a message.
    case malformedError
    /// A result that does not match the contract.
    case malformedResult
}
