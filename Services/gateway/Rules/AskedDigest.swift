import Contracts
import Cryptography
import JSON

/// A digest of what a request asked for: the same whatever its titles have been merged into since.
enum AskedDigest {
    /// Nil for a request without an idempotency key, which is compared with no other.
    static func of(_ body: some JSONEncodable, about title: TitleID? = nil, _ context: EdgeContext) -> String? {
        guard context.once != nil else { return nil }
        let address = title.map { "\($0)" } ?? ""
        return Hex.encode(SHA256.hash(Array("\(address)\n".utf8) + encodeJSON(body)).bytes)
    }
}
