extension Sealer {
    /// Seals with keys derived from the service secret, one for each of its parts: `new,old` seals with the new one and
    /// opens what either has sealed. `purpose` separates the keys of different uses.
    package init(following secret: Secret, for purpose: String) {
        let parts = secret.revealed.split(separator: ",").map { $0.filter { !$0.isWhitespace } }
        let lines = parts.map { part in
            let key = HMAC.sha256(key: Array(part.utf8), message: Array(purpose.utf8))
            return "k\(Hex.encode(Array(SHA256.hash(key).bytes.prefix(8)))):\(Base64.encode(key))"
        }
        do throws(KeyRingError) {
            self.init(try KeyRing(parsing: Secret(lines.joined(separator: "\n"))))
        } catch {
            preconditionFailure("a digest is a key: \(error)")
        }
    }
}
