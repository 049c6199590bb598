import Cryptography
import JSON

/// What an idempotency key is compared by: the method and all that it was given.
enum RequestDigest {
    static func of(_ method: String, _ params: some JSONEncodable) -> [UInt8] {
        var hash = SHA256()
        hash.update(Array(method.utf8) + [0])
        hash.update(encodeJSON(params))
        return hash.finish().bytes
    }
}
