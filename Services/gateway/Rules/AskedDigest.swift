import Contracts
import Cryptography
import JSON

/// What a request asked for, as a digest: the same whatever its titles have been merged into by now.
enum AskedDigest {
    /// Nil for a request without a key, which nobody compares with another.
    static func of(_ body: some JSONEncodable, about title: TitleID? = nil, _ context: EdgeContext) -> String? {
        guard context.once != nil else { return nil }
        let address = title.map { "\($0)" } ?? ""
        return Hex.encode(SHA256.hash(Array("\(address)\n".utf8) + encodeJSON(body)).bytes)
    }
}
