/// A title's name, analyzed once so that it can be compared and looked up many times.
package struct TitleName: Sendable, Hashable {
    /// A part that some catalogs use alone.
    struct Part: Sendable, Hashable {
        let key: String
        /// Whether at least two words are telling: "The Movie" and "Part 2" say too little.
        let isTelling: Bool
    }

    /// The folded words, separated by spaces, without case, accents, punctuation, or a trailing ", The".
    package let plain: String
    /// The lookup name: `plain` without its leading article, "and", and spaces, and with numbers as digits. At most 120
    /// bytes; empty only for an empty name.
    package let key: String
    /// The leading article, if the key lacks one.
    let article: String
    /// The title before its subtitle.
    let head: Part?
    /// The title before "or:".
    let alternative: Part?
    /// The title after its last joint: a telling subtitle, or what follows an owner's name.
    let tail: Part?

    package init(_ name: String) {
        let title = TitleFolder.fold(name)
        guard !title.words.isEmpty else {
            // Only symbols, as in "…" or "★": they are all there is to compare.
            let signs = String(name.lowercased().unicodeScalars.filter { !$0.properties.isWhitespace })
            plain = signs
            key = String(signs.prefix(MatchLimits.keyBytesMax / 4))
            article = ""
            (head, alternative, tail) = (nil, nil, nil)
            return
        }
        let all = 0..<title.words.count
        plain = title.plain(all)
        key = title.key(all)
        article = all.count > 1 && TitleWords.isArticle(title[0]) ? String(decoding: title[0], as: UTF8.self) : ""
        let parts = title.joints.filter { $0.word < title.words.count }
        let first = parts.first { $0.kind != .owner }
        head = first.flatMap { $0.kind == .subtitle ? title.part(0..<$0.word) : nil }
        // The "or" itself belongs to neither.
        alternative = first.flatMap { $0.kind == .alternative ? title.part(0..<$0.word - 1) : nil }
        tail = parts.last.flatMap { joint in
            let part = title.part(joint.word..<title.words.count)
            return joint.kind == .owner || part?.isTelling == true ? part : nil
        }
    }

    /// The keys under which the name is stored and looked up: the whole name's first, then those of its parts.
    ///
    /// Two names that can match share a key, so an index over keys finds every candidate. Stored and looked-up names
    /// give the same keys.
    package var keys: [String] {
        var keys = [key]
        for part in [head, alternative, tail] {
            if let key = part?.key, !keys.contains(key) { keys.append(key) }
        }
        return keys
    }

    package var isEmpty: Bool { key.isEmpty }

    package static func == (left: TitleName, right: TitleName) -> Bool {
        left.plain == right.plain && left.key == right.key
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(plain) }
}

/// The lookup keys of names.
package enum TitleKeys {
    /// Returns all keys of a title's names, without duplicates; those of whole names first.
    package static func keys(_ names: [TitleName]) -> [String] {
        if names.count == 1 { return names[0].isEmpty ? [] : names[0].keys }
        let names = names.prefix(MatchLimits.namesMax)
        var seen: Set<String> = [""]
        return (names.map(\.key) + names.flatMap(\.keys)).filter { seen.insert($0).inserted }
    }

    /// Returns all keys of one name, the whole name's first; none for an empty name.
    package static func keys(_ name: String) -> [String] { keys([TitleName(name)]) }
}

extension FoldedTitle {
    func plain(_ range: Range<Int>) -> String {
        var joined: [UInt8] = []
        joined.reserveCapacity(bytes.count + range.count)
        for word in range {
            if word > range.lowerBound { joined.append(UInt8(ascii: " ")) }
            joined.append(contentsOf: self[word])
        }
        return String(decoding: joined, as: UTF8.self)
    }

    func part(_ range: Range<Int>) -> TitleName.Part? {
        guard !range.isEmpty else { return nil }
        let telling = range.count { word in
            if TitleWords.isArticle(self[word]) || number(word) != nil { return false }
            return TitleWords.role(self[word]) != .counter
        }
        return TitleName.Part(key: key(range), isTelling: telling >= 2)
    }

    func key(_ range: Range<Int>) -> String {
        var key: [UInt8] = []
        key.reserveCapacity(bytes.count)
        let isLed = range.count > 1 && TitleWords.isArticle(self[range.lowerBound])
        let first = range.lowerBound + (isLed ? 1 : 0)
        var word = first
        while word < range.upperBound {
            word += append(word, of: first..<range.upperBound, to: &key)
        }
        if key.count > MatchLimits.keyBytesMax {
            key.removeLast(key.count - MatchLimits.keyBytesMax)
            // A scalar that was cut is removed entirely.
            while let byte = key.last, byte & 0xC0 == 0x80 { key.removeLast() }
            if let byte = key.last, byte >= 0xC0 { key.removeLast() }
        }
        return String(decoding: key, as: UTF8.self)
    }

    /// Appends a word in the form used in keys; returns how many words that consumed.
    private func append(_ word: Int, of range: Range<Int>, to key: inout [UInt8]) -> Int {
        let isFirst = word == range.lowerBound
        let isLast = word == range.upperBound - 1
        switch TitleWords.role(self[word]) {
        case .and where !isFirst && !isLast, .format where isLast && !isFirst: return 1
        case .counter where !isFirst && !isLast && number(word + 1) != nil: return 1
        case .number(let value):
            if value >= 20, !isLast, case .number(let unit) = TitleWords.role(self[word + 1]), (1...9).contains(unit) {
                key.append(contentsOf: String(value + unit).utf8)
                return 2
            }
            key.append(contentsOf: String(value).utf8)
        case .spelled(let bytes): key.append(contentsOf: bytes)
        default:
            if !isFirst, let value = romanNumber(word, isLast: isLast) {
                key.append(contentsOf: String(value).utf8)
            } else {
                key.append(contentsOf: self[word])
            }
        }
        return 1
    }

    /// Returns the number that a word means, in any form.
    private func number(_ word: Int) -> Int? {
        if case .number(let value) = TitleWords.role(self[word]) { return value }
        return TitleWords.roman(self[word]) ?? Int(String(decoding: self[word], as: UTF8.self))
    }

    /// Returns the number that a word means as a Roman numeral. "I" is one only at the end of a title or a part, and
    /// after "part": elsewhere it is somebody.
    private func romanNumber(_ word: Int, isLast: Bool) -> Int? {
        guard let value = TitleWords.roman(self[word]) else { return nil }
        guard value == 1 else { return value }
        let isAtJoint = joints.contains { $0.word == word + 1 }
        return isLast || isAtJoint || TitleWords.role(self[word - 1]) == .counter ? value : nil
    }
}
