internal import Cryptography

/// The entity tag of a representation (RFC 9110 §8.8.3): strong, derived from its bytes.
package enum EntityTag {
    /// Bytes of the digest in a tag: 128 bits, so that two states never share one.
    private static let digestBytes = 16

    /// Returns the tag of these bytes, in quotes.
    package static func of(_ bytes: [UInt8]) -> String {
        "\"\(Base64.encodeURL(Array(SHA256.hash(bytes).bytes.prefix(digestBytes))))\""
    }
}
