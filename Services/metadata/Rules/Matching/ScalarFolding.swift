/// The folded form of one scalar of a name, for comparing names.
enum FoldedScalar: Hashable {
    /// Up to four ASCII letters or digits, the first in the lowest byte.
    case ascii(UInt32)
    /// A letter without an ASCII form.
    case letter(Unicode.Scalar)
    /// A number that is a word of its own even beside letters, as in "Alien³"; a fraction has a denominator above 1.
    case number(Int, denominator: Int)
    /// An accent or a format character, which is left out.
    case nothing
    /// Anything that separates words.
    case gap
}

/// Folds away case, accents, ligatures, widths, and compatibility forms, without Foundation.
///
/// The tables are derived from the character names of the Unicode database ("latin small letter e with acute" is an e),
/// so only what has no such name is listed here. Precomposed and decomposed texts fold to the same.
enum ScalarFolding {
    /// The folded Latin letters of U+0080 … U+024F and U+1E00 … U+1EFF.
    private static let latin = latinTable(0x80..<0x250)
    private static let latinAdditional = latinTable(0x1E00..<0x1F00)
    /// Greek, Cyrillic, Arabic, and rare Latin letters with a mark, and their bare letters.
    private static let bare = bareLetters([0x180..<0x2B0, 0x370..<0x530, 0x620..<0x650, 0x1F00..<0x2000])

    static func fold(_ scalar: Unicode.Scalar) -> FoldedScalar {
        let value = Int(scalar.value)
        if value < 0x80 { return ascii(UInt8(value)) }
        if value < 0x250 { return read(latin[value - 0x80], scalar) }
        if value >= 0x1E00, value < 0x1F00 { return read(latinAdditional[value - 0x1E00], scalar) }
        // Full-width forms are ASCII, offset by 0xFEE0.
        if value >= 0xFF01, value <= 0xFF5E { return ascii(UInt8(value - 0xFEE0)) }
        return other(scalar)
    }

    private static func ascii(_ byte: UInt8) -> FoldedScalar {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): .ascii(UInt32(byte))
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): .ascii(UInt32(byte | 0x20))
        default: .gap
        }
    }

    /// Folds a scalar beyond the Latin blocks.
    private static func other(_ scalar: Unicode.Scalar) -> FoldedScalar {
        let properties = scalar.properties
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .spacingMark:
            return isAccent(scalar) ? .nothing : .letter(scalar)
        case .format:
            return .nothing
        case .decimalNumber:
            return properties.numericValue.map { .ascii(UInt32(UInt8(ascii: "0")) + UInt32($0)) } ?? .gap
        case .letterNumber, .otherNumber:
            return number(properties.numericValue)
        default:
            guard properties.isAlphabetic else { return .gap }
            let lower = properties.lowercaseMapping.unicodeScalars.first ?? scalar
            return .letter(bare[lower] ?? lower)
        }
    }

    /// Whether the mark is a Latin, Greek, or Cyrillic accent, a Hebrew or Arabic point, the Indic nukta, or a
    /// variation selector. Marks of other scripts are vowels and tones, without which another word remains.
    private static func isAccent(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.canonicalCombiningClass.rawValue {
        case 7, 10...35, 200...240: true
        default: (0xFE00...0xFE0F).contains(scalar.value)
        }
    }

    private static func number(_ value: Double?) -> FoldedScalar {
        guard let value, value >= 0, value <= 1_000_000 else { return .gap }
        for denominator in 1...10 {
            let numerator = value * Double(denominator)
            if abs(numerator - numerator.rounded()) < 0.000_1 {
                return .number(Int(numerator.rounded()), denominator: denominator)
            }
        }
        return .gap
    }

    // MARK: Tables

    private static let nothing: UInt32 = .max
    private static let gap: UInt32 = 0
    /// The scalar is not a Latin letter and must be folded by itself.
    private static let look: UInt32 = .max - 1

    private static func read(_ entry: UInt32, _ scalar: Unicode.Scalar) -> FoldedScalar {
        switch entry {
        case nothing: .nothing
        case gap: .gap
        case look: other(scalar)
        default: .ascii(entry)
        }
    }

    private static let exceptions: [Unicode.Scalar: String] = [
        "ß": "ss", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ı": "i", "ŋ": "ng", "ſ": "s", "ĳ": "ij", "ǆ": "dz",
        "ǉ": "lj", "ǌ": "nj", "ǳ": "dz", "ə": "e", "ẛ": "s", "ẜ": "s", "ẝ": "s",
    ]

    private static func latinTable(_ range: Range<Int>) -> [UInt32] {
        range.map { value in
            guard let scalar = Unicode.Scalar(UInt32(value)) else { return gap }
            if scalar.properties.generalCategory == .format { return nothing }
            guard scalar.properties.isAlphabetic else {
                return scalar.properties.numericType == nil ? gap : look
            }
            var packed: UInt32 = 0
            var shift: UInt32 = 0
            for lower in scalar.properties.lowercaseMapping.unicodeScalars {
                for byte in latinLetters(lower).utf8 {
                    packed |= UInt32(byte) << shift
                    shift += 8
                }
            }
            return packed == 0 ? look : packed
        }
    }

    private static func latinLetters(_ scalar: Unicode.Scalar) -> String {
        if scalar.value < 0x80 { return String(scalar) }
        if let exception = exceptions[scalar] { return exception }
        let prefix = "LATIN SMALL LETTER "
        guard let name = scalar.properties.name, name.hasPrefix(prefix) else { return "" }
        let letter = name.dropFirst(prefix.count).prefix { $0 != " " }
        return letter.utf8.count <= 2 ? letter.lowercased() : ""
    }

    /// Letters whose bare form is not named by their own name up to "with".
    private static let bareExceptions: [Unicode.Scalar: Unicode.Scalar] = [
        "й": "и", "ё": "е", "ї": "і", "ў": "у", "ѓ": "г", "ќ": "к", "ς": "σ", "ϓ": "ϒ", "ϔ": "ϒ",
    ]

    private static func bareLetters(_ blocks: [Range<UInt32>]) -> [Unicode.Scalar: Unicode.Scalar] {
        var named: [String: Unicode.Scalar] = [:]
        let scalars = blocks.flatMap { $0.compactMap(Unicode.Scalar.init) }
        for scalar in scalars {
            if let name = scalar.properties.name { named[name] = scalar }
        }
        var bare = bareExceptions
        for scalar in scalars {
            guard let name = scalar.properties.name else { continue }
            let words = name.split(separator: " ")
            guard let with = words.firstIndex(of: "WITH"), let letter = named[words[..<with].joined(separator: " ")]
            else { continue }
            bare[scalar] = bareExceptions[letter] ?? letter
        }
        return bare
    }
}

/// Composes what Unicode may write as one scalar or two and whose parts are not accents: Korean syllables and voiced
/// kana.
enum ScalarComposition {
    static func composed(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> Unicode.Scalar? {
        switch (first.value, second.value) {
        case (0x1100...0x1112, 0x1161...0x1175):
            return Unicode.Scalar(0xAC00 + ((first.value - 0x1100) * 21 + second.value - 0x1161) * 28)
        case (0xAC00...0xD7A3, 0x11A8...0x11C2) where (first.value - 0xAC00) % 28 == 0:
            return Unicode.Scalar(first.value + second.value - 0x11A7)
        case (0x3041...0x30FF, 0x3099):
            if first.value == 0x3046 || first.value == 0x30A6 { return Unicode.Scalar(first.value + 0x4E) }
            return isVoiceable(first) ? Unicode.Scalar(first.value + 1) : nil
        case (0x3041...0x30FF, 0x309A):
            return isVoiceable(first) ? Unicode.Scalar(first.value + 2) : nil
        default:
            return nil
        }
    }

    /// Whether the scalar is in the rows of ka, sa, ta, or ha, where the voiced letter follows its plain one.
    private static func isVoiceable(_ scalar: Unicode.Scalar) -> Bool {
        let hiragana = scalar.value >= 0x30A1 ? scalar.value - 0x60 : scalar.value
        return switch hiragana {
        case 0x304B...0x3061: hiragana % 2 == 1
        case 0x3064, 0x3066, 0x3068: true
        case 0x306F...0x307B: (hiragana - 0x306F) % 3 == 0
        default: false
        }
    }
}
