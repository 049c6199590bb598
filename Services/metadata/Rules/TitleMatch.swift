/// Finding a title among search results by its name and year; a wrong match is worse than none.
package enum TitleMatch {
    /// What a search result offers for the comparison.
    package struct Candidate: Sendable, Hashable {
        package let names: [String]
        package let year: Int?
        package let votes: Int64

        package init(names: [String], year: Int?, votes: Int64) {
            self.names = names
            self.year = year
            self.votes = votes
        }
    }

    /// How many times the votes of the second best one must have to win a tie.
    static let clearLead: Int64 = 10

    /// Index of the one candidate that has the name and, within one, the year; nil where none or several do.
    ///
    /// The exact year wins over a neighbour. Several of the same rank are decided only by ten times the votes.
    package static func best(name: String, year: Int?, among candidates: [Candidate]) -> Int? {
        let wanted = normalized(name)
        guard !wanted.isEmpty else { return nil }
        let fitting = candidates.indices.compactMap { index -> (index: Int, distance: Int)? in
            let candidate = candidates[index]
            guard candidate.names.contains(where: { normalized($0) == wanted }) else { return nil }
            guard let year else { return (index, 0) }
            guard let other = candidate.year, abs(other - year) <= 1 else { return nil }
            return (index, abs(other - year))
        }
        guard let nearest = fitting.map(\.distance).min() else { return nil }
        let tied = fitting.filter { $0.distance == nearest }.map(\.index).sorted {
            candidates[$0].votes > candidates[$1].votes
        }
        guard let first = tied.first else { return nil }
        guard tied.count > 1 else { return first }
        let second = max(candidates[tied[1]].votes, 1)
        return candidates[first].votes / clearLead >= second ? first : nil
    }

    /// The name in small letters, without accents, punctuation and a leading English article.
    package static func normalized(_ name: String) -> String {
        var words: [String] = []
        var word = ""
        for scalar in name.lowercased().unicodeScalars {
            if scalar == "&" {
                words += [word, "and"]
                word = ""
            } else if scalar.properties.isAlphabetic || scalar.properties.numericType != nil {
                word.unicodeScalars.append(plain(scalar))
            } else if scalar.properties.generalCategory != .nonspacingMark, scalar != "'", scalar != "’" {
                words.append(word)
                word = ""
            }
        }
        words.append(word)
        words.removeAll(where: \.isEmpty)
        if words.count > 1, ["the", "a", "an"].contains(words[0]) { words.removeFirst() }
        return words.joined(separator: " ")
    }

    /// The letter without its accent: é is named "latin small letter e with acute".
    private static func plain(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        let prefix = "LATIN SMALL LETTER "
        guard scalar.value > 0x7F, let name = scalar.properties.name, name.hasPrefix(prefix) else { return scalar }
        let letter = name.dropFirst(prefix.count).split(separator: " ", maxSplits: 1)
        guard letter.count == 2, letter[1].hasPrefix("WITH"), letter[0].unicodeScalars.count == 1 else { return scalar }
        return letter[0].lowercased().unicodeScalars.first ?? scalar
    }
}
