extension Sealer {
    /// Seals with keys derived from the service secret, one for each of its parts: `new,old` seals with the new one and
    /// opens what either has sealed. `purpose` separates the keys of different uses.
    package init(following secret: Secret, for purpose: String) {
        let lines = secret.derivedKeys(for: purpose).map { key in
            "k\(Hex.encode(Array(SHA256.hash(key).bytes.prefix(8)))):\(Base64.encode(key))"
        }
        do throws(KeyRingError) {
            self.init(try KeyRing(parsing: Secret(lines.joined(separator: "\n"))))
        } catch {
            preconditionFailure("a digest was not accepted as a key: \(error)")
        }
    }
}

extension Secret {
    /// Derives a key of 32 bytes from each part of the service secret, in their order, so that the first of `new,old` is
    /// the newest. `purpose` separates the keys of different uses.
    package func derivedKeys(for purpose: String) -> [[UInt8]] {
        revealed.split(separator: ",").map { part in
            HMAC.sha256(key: Array(part.filter { !$0.isWhitespace }.utf8), message: Array(purpose.utf8))
        }
    }
}
