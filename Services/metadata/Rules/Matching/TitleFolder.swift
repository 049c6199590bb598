/// The folded words of a name, and the joints between its parts.
struct FoldedTitle {
    enum Joint {
        /// A subtitle follows: a colon, a dash between spaces, or a bracket.
        case subtitle
        /// Another title of the same film follows: "or" beside other punctuation.
        case alternative
        /// Somebody's name precedes: "Bram Stoker's".
        case owner
    }

    /// All words without anything between them, UTF-8.
    var bytes: [UInt8] = []
    /// The range of each word in `bytes`.
    var words: [Range<Int>] = []
    /// The joints in order, each with the index of the word that follows it.
    var joints: [(word: Int, kind: Joint)] = []

    subscript(_ word: Int) -> ArraySlice<UInt8> { bytes[words[word]] }
}

/// Splits a name in one pass over its bytes.
struct TitleFolder {
    private var title = FoldedTitle()
    private let name: [UInt8]
    private var position = 0
    private var wordStart = 0
    /// The last scalar put into the current word, if it was not ASCII; the next may combine with it.
    private var last: Unicode.Scalar?
    private var hasPendingAnd = false
    /// The number of words before the last comma.
    private var wordsBeforeComma: Int?

    static func fold(_ name: String) -> FoldedTitle {
        let bytes = Array(name.utf8.prefix(MatchLimits.nameBytesMax))
        let title = fold(withoutYear(bytes))
        return title.words.isEmpty ? fold(bytes) : title
    }

    private static func fold(_ bytes: [UInt8]) -> FoldedTitle {
        var folder = TitleFolder(name: bytes)
        folder.run()
        return folder.title
    }

    private init(name: [UInt8]) {
        self.name = name
        title.bytes.reserveCapacity(name.count + 4)
        title.words.reserveCapacity(8)
    }

    /// Returns the name without a trailing " (1999)", as in files and some catalogs.
    private static func withoutYear(_ name: [UInt8]) -> [UInt8] {
        guard name.count > 7, name.last == UInt8(ascii: ")"), name[name.count - 6] == UInt8(ascii: "("),
            name[name.count - 7] == UInt8(ascii: " ")
        else { return name }
        let digits = name[(name.count - 5)...].dropLast()
        let isYear =
            digits.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
            && (digits.starts(with: "1".utf8) || digits.starts(with: "20".utf8))
        return isYear ? Array(name.dropLast(7)) : name
    }

    private mutating func run() {
        while position < name.count {
            let byte = name[position]
            if byte < 0x80 {
                takeASCII(byte)
                position += 1
            } else {
                takeOther()
            }
        }
        endWord()
        moveArticleToFront()
    }

    private mutating func takeASCII(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): put(byte)
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): put(byte | 0x20)
        case UInt8(ascii: "'"), UInt8(ascii: "`"): takeApostrophe(width: 1)
        case UInt8(ascii: "."): if !isBetweenInitials { endWord() }
        case UInt8(ascii: "*"): break
        case UInt8(ascii: "&"), UInt8(ascii: "+"):
            endWord()
            hasPendingAnd = !title.words.isEmpty
        case UInt8(ascii: ","):
            endWord()
            wordsBeforeComma = title.words.count
        case UInt8(ascii: ":"), UInt8(ascii: "("), UInt8(ascii: "["):
            endWord()
            join(.subtitle)
        case UInt8(ascii: "-"):
            endWord()
            if isBetweenSpaces(width: 1) { join(.subtitle) }
        default: endWord()
        }
    }

    private mutating func takeOther() {
        let (scalar, width) = Self.scalar(name[position...])
        switch scalar {
        case "’", "‘", "ʼ", "´", "′": takeApostrophe(width: width)
        case "–", "—", "：":
            endWord()
            if scalar == "：" || isBetweenSpaces(width: width) { join(.subtitle) }
        case "＆":
            endWord()
            hasPendingAnd = !title.words.isEmpty
        default: take(ScalarFolding.fold(scalar), scalar)
        }
        position += width
    }

    private mutating func take(_ folded: FoldedScalar, _ scalar: Unicode.Scalar) {
        switch folded {
        case .ascii(var letters):
            while letters != 0 {
                put(UInt8(truncatingIfNeeded: letters))
                letters >>= 8
            }
        case .letter(let letter): put(letter)
        case .number(let value, let denominator):
            endWord()
            putWord(value)
            if denominator > 1 { putWord(denominator) }
        case .nothing: break
        case .gap: endWord()
        }
    }

    private mutating func put(_ byte: UInt8) {
        if wordStart == title.bytes.count { startWord() }
        title.bytes.append(byte)
        last = nil
    }

    private mutating func put(_ scalar: Unicode.Scalar) {
        if let last, wordStart < title.bytes.count, let composed = ScalarComposition.composed(last, scalar) {
            title.bytes.removeLast(UTF8.width(last))
            title.bytes.append(contentsOf: UTF8.encode(composed) ?? .init())
            self.last = composed
            return
        }
        if wordStart == title.bytes.count { startWord() }
        title.bytes.append(contentsOf: UTF8.encode(scalar) ?? .init())
        last = scalar
    }

    private mutating func putWord(_ number: Int) {
        startWord()
        title.bytes.append(contentsOf: String(number).utf8)
        endWord()
    }

    private mutating func startWord() {
        guard hasPendingAnd else { return }
        hasPendingAnd = false
        title.bytes.append(contentsOf: "and".utf8)
        endWord()
    }

    private mutating func endWord() {
        last = nil
        guard wordStart < title.bytes.count else { return }
        title.words.append(wordStart..<title.bytes.count)
        wordStart = title.bytes.count
    }

    /// Adds a joint before the next word, unless at the front. After "or" it marks an alternative title, and the "or"
    /// belongs to neither part.
    private mutating func join(_ kind: FoldedTitle.Joint) {
        guard !title.words.isEmpty, title.joints.last?.word != title.words.count else { return }
        let count = title.words.count
        let isOr = count > 1 && title[count - 1].elementsEqual("or".utf8)
        title.joints.append((word: count, kind: isOr ? .alternative : kind))
    }

    /// Handles an apostrophe: it separates "l'" from its noun and is ignored elsewhere; in the second word it may end
    /// an owner's name.
    private mutating func takeApostrophe(width: Int) {
        let word = title.bytes[wordStart...]
        if word.elementsEqual("l".utf8) {
            endWord()
        } else if title.words.count == 1, title.joints.isEmpty, !word.isEmpty {
            let after = name[(position + width)...]
            let isOwner =
                word.last == UInt8(ascii: "s") && after.first == UInt8(ascii: " ")
                || after.starts(with: "s ".utf8)
            // The joint stands after this word, the second.
            if isOwner { title.joints.append((word: 2, kind: .owner)) }
        }
    }

    /// Whether a dot is between initials, after a lone letter and before another: "S.W.A.T." is one word.
    private var isBetweenInitials: Bool {
        let isLone =
            position > 0 && Self.isLetter(name[position - 1]) && (position < 2 || !Self.isWord(name[position - 2]))
        return isLone && position + 1 < name.count && Self.isLetter(name[position + 1])
    }

    private func isBetweenSpaces(width: Int) -> Bool {
        position > 0 && name[position - 1] == UInt8(ascii: " ") && position + width < name.count
            && name[position + width] == UInt8(ascii: " ")
    }

    /// Turns "Godfather, The" into "The Godfather".
    private mutating func moveArticleToFront() {
        let count = title.words.count
        guard count > 1, wordsBeforeComma == count - 1, TitleWords.isArticle(title[count - 1]) else { return }
        title.words.insert(title.words.removeLast(), at: 0)
        title.joints = title.joints.map { (word: $0.word + 1, kind: $0.kind) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        let lower = byte | 0x20
        return lower >= UInt8(ascii: "a") && lower <= UInt8(ascii: "z")
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        isLetter(byte) || byte >= 0x80 || (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"))
    }

    /// Returns the first scalar and its width; U+FFFD if the text was cut within one.
    private static func scalar(_ bytes: ArraySlice<UInt8>) -> (scalar: Unicode.Scalar, width: Int) {
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        guard case .scalarValue(let scalar) = decoder.decode(&iterator) else { return ("\u{FFFD}", 1) }
        return (scalar, UTF8.width(scalar))
    }
}
