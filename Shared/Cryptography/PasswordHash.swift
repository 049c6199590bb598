/// A stored password hash: `$scrypt$ln=15,r=8,p=3$salt$hash`, salt and hash in base64 without padding.
struct PasswordHash: Sendable, Equatable {
    let cost: ScryptCost
    let salt: [UInt8]
    let key: [UInt8]

    static let saltBytes = 16
    static let keyBytes = 32
    private static let saltBytesRange = 8...64
    private static let keyBytesRange = 16...64

    init(cost: ScryptCost, salt: [UInt8], key: [UInt8]) {
        self.cost = cost
        self.salt = salt
        self.key = key
    }

    /// Parses a PHC string; nil for anything but scrypt with exactly these parameters in this order.
    init?(parsing text: String) {
        let parts = text.split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0].isEmpty, parts[1] == "scrypt" else { return nil }
        let parameters = parts[2].split(separator: ",", omittingEmptySubsequences: false)
        guard parameters.count == 3, let logN = Self.number(parameters[0], name: "ln="),
            let blockSize = Self.number(parameters[1], name: "r="),
            let parallelism = Self.number(parameters[2], name: "p="),
            let cost = ScryptCost(logN: logN, blockSize: blockSize, parallelism: parallelism),
            let salt = Base64.decode(String(parts[3]), padded: false), Self.saltBytesRange.contains(salt.count),
            let key = Base64.decode(String(parts[4]), padded: false), Self.keyBytesRange.contains(key.count)
        else { return nil }
        self.init(cost: cost, salt: salt, key: key)
    }

    var text: String {
        "$scrypt$ln=\(cost.logN),r=\(cost.blockSize),p=\(cost.parallelism)"
            + "$\(Base64.encode(salt, padded: false))$\(Base64.encode(key, padded: false))"
    }

    private static func number(_ parameter: Substring, name: String) -> Int? {
        guard parameter.hasPrefix(name) else { return nil }
        let digits = parameter.dropFirst(name.count)
        guard (1...3).contains(digits.utf8.count), digits.utf8.first != UInt8(ascii: "0"),
            digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return Int(digits)
    }
}
