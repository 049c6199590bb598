internal import Cryptography

/// The entity tag of a representation (RFC 9110 §8.8.3): strong, made from its bytes.
package enum EntityTag {
    /// How many bytes of the digest a tag carries: 128 bits, so that two states never share one.
    private static let digestBytes = 16

    /// The tag of these bytes, in its quotes.
    package static func of(_ bytes: [UInt8]) -> String {
        "\"\(Base64.encodeURL(Array(SHA256.hash(bytes).bytes.prefix(digestBytes))))\""
    }
}
