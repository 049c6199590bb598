/// The role of a word in a title when names are compared.
enum WordRole: Sendable, Hashable {
    /// "and" in some language.
    case and
    /// Precedes a number: "part", "chapter", "vol".
    case counter
    /// 0 … 90; tens may be followed by a unit ("sixty two").
    case number(Int)
    /// Another spelling of the same word.
    case spelled([UInt8])
    /// Only says how the film was shown; left out at the end of a title.
    case format
}

/// The words known to the comparison of names, in several languages.
enum TitleWords {
    /// The longest word that the tables hold, in bytes.
    private static let wordBytesMax = 12

    /// Returns the word as one number, so that looking it up neither hashes nor creates a string; nil for longer words
    /// and other scripts.
    private static func packed(_ word: ArraySlice<UInt8>) -> UInt128? {
        guard word.count <= wordBytesMax else { return nil }
        var packed: UInt128 = 0
        for byte in word {
            guard byte < 0x80 else { return nil }
            packed = packed << 8 | UInt128(byte)
        }
        return packed
    }

    /// Returns the role of the word anywhere but at the front; nil for a plain word.
    static func role(_ word: ArraySlice<UInt8>) -> WordRole? { packed(word).flatMap { roles[$0] } }

    /// Whether the word, at the front, is an article in at least one language. Several are ordinary words in another
    /// ("die", "la", "o").
    static func isArticle(_ word: ArraySlice<UInt8>) -> Bool { packed(word).map { articles.contains($0) } ?? false }

    /// Returns the value of a Roman numeral from 1 to 39, written with i, v, and x only: longer ones are more often
    /// words ("mix").
    static func roman(_ word: ArraySlice<UInt8>) -> Int? {
        guard let first = word.first, first == x || first == UInt8(ascii: "i") || first == UInt8(ascii: "v") else {
            return nil
        }
        let tens = word.prefix { $0 == x }.count
        let rest = word.dropFirst(tens)
        guard tens <= 3, let units = romanUnits.firstIndex(where: { rest.elementsEqual($0.utf8) }) else { return nil }
        return tens * 10 + units
    }

    private static let x = UInt8(ascii: "x")
    private static let romanUnits = ["", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix"]

    private static let articles = Set(
        """
        the a an le la les l un une el los las una il lo gli uno o os as um uma der die das ein eine einen einer de het \
        een den det en ett az al
        """.split(separator: " ").map { key($0) })

    private static let roles: [UInt128: WordRole] = {
        var table: [UInt128: WordRole] = [:]
        for word in "and und et y e ed og och en".split(separator: " ") { table[key(word)] = .and }
        for word in "part chapter episode volume vol pt ep teil kapitel partie parte".split(separator: " ") {
            table[key(word)] = .counter
        }
        // English, French, German, Spanish, Italian, Swedish.
        let units = [
            "zero", "one", "two deux zwei dos due", "three trois drei tres tre", "four quatre vier cuatro quattro fyra",
            "five cinq funf cinco cinque fem", "six sechs seis sei", "seven sept sieben siete sette sju",
            "eight huit acht ocho otto atta", "nine neuf neun nueve nove nio", "ten dix zehn diez dieci tio",
            "eleven onze elf", "twelve douze zwolf doce dodici tolv", "thirteen", "fourteen", "fifteen", "sixteen",
            "seventeen", "eighteen", "nineteen",
        ]
        for (value, words) in units.enumerated() {
            for word in words.split(separator: " ") { table[key(word)] = .number(value) }
        }
        let tens = "twenty thirty forty fifty sixty seventy eighty ninety"
        for (index, word) in tens.split(separator: " ").enumerated() { table[key(word)] = .number(20 + index * 10) }
        for (word, other) in spellings { table[key(word)] = .spelled(Array(other.utf8)) }
        for word in ["3d", "imax"] { table[key(word)] = .format }
        return table
    }()

    private static let spellings = [
        "first": "1st", "second": "2nd", "third": "3rd", "fourth": "4th", "fifth": "5th", "sixth": "6th",
        "seventh": "7th", "eighth": "8th", "ninth": "9th", "tenth": "10th", "thirteenth": "13th", "dr": "doctor",
        "mr": "mister", "st": "saint", "versus": "vs", "colour": "color", "colours": "colors",
        "favourite": "favorite", "honour": "honor", "neighbour": "neighbor", "neighbours": "neighbors",
        "theatre": "theater", "centre": "center", "grey": "gray", "harbour": "harbor", "armour": "armor",
        "rumour": "rumor", "saviour": "savior",
    ]

    private static func key(_ word: some StringProtocol) -> UInt128 { packed(ArraySlice(word.utf8)) ?? 0 }
}
