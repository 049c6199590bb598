/// Maps names of the documents to Swift names.
enum SwiftName {
    private static let reserved: Set<String> = [
        "as", "associatedtype", "break", "case", "catch", "class", "continue", "default", "defer", "deinit", "do",
        "else",
        "enum", "extension", "fallthrough", "false", "fileprivate", "for", "func", "guard", "if", "import", "in",
        "init",
        "inout", "internal", "is", "let", "nil", "operator", "package", "precedencegroup", "private", "protocol",
        "public",
        "repeat", "rethrows", "return", "self", "static", "struct", "subscript", "super", "switch", "throw", "throws",
        "true", "try", "typealias", "var", "where", "while",
    ]

    /// `fetched_at` and `Idempotency-Key` become `fetchedAt` and `idempotencyKey`.
    static func property(_ wireName: String) -> String {
        let parts = wireName.split { "_-. ".contains($0) }.map(String.init)
        guard let first = parts.first else { return "value" }
        let name = lowerFirst(first) + parts.dropFirst().map(upperFirst).joined()
        return name.first?.isNumber == true ? "value\(name)" : name
    }

    /// `ratings` and `rate_title` become `Ratings` and `RateTitle`.
    static func type(_ name: String) -> String { upperFirst(property(name)) }

    /// Returns the name, in backticks if Swift reserves it.
    static func quoted(_ name: String) -> String { reserved.contains(name) ? "`\(name)`" : name }

    static func upperFirst(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }
    private static func lowerFirst(_ text: String) -> String { text.prefix(1).lowercased() + text.dropFirst() }

    /// Whether `name` can be the wire name of a member: it ends up in Swift and in string literals.
    static func isMember(_ name: String) -> Bool {
        guard let first = name.utf8.first, first != UInt8(ascii: "-"), !(0x30...0x39).contains(first) else {
            return false
        }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }

    /// Whether `name` is a Swift type name in plain ASCII.
    static func isType(_ name: String) -> Bool {
        isMember(name) && name.first?.isUppercase == true && !name.contains("-") && !name.contains("_")
    }
}
