import Foundation
import MetadataService
import TestSupport

/// The catalogue to match against: the CC0 set and the export's films, with decoys; a tenth of the films is left out.
struct Catalogue {
    struct Entry {
        let traits: TitleTraits
        let shown: String
    }

    private(set) var entries: [Entry] = []
    /// The entry of each film; none for the tenth that is absent.
    private(set) var truth: [ExportFilm: Int] = [:]
    private(set) var decoyCount = 0
    /// The entries by the keys of their names.
    private(set) var index: [String: [Int32]] = [:]
    /// The number of films in the CC0 set, per 100 000, that share their title with another one a year apart.
    let neighboursPer100k: Int

    init(free: [FreeFilm], films: [ExportFilm], labels: [String: Label], seed: UInt64) {
        let free = free.sorted { $0.imdb < $1.imdb }
        neighboursPer100k = Self.neighbours(free)
        var bySpelling: [String: Int] = [:]
        var byID: [String: Int] = [:]
        for (place, film) in free.enumerated() {
            if let year = film.year { bySpelling["\(film.name)\u{1f}\(year)"] = place }
            byID[film.imdb] = place
        }
        // The film of the set for each film of the export: from a label, otherwise only by equal spelling and year.
        var same: [ExportFilm: Int] = [:]
        var removed: Set<Int> = []
        var absent: Set<ExportFilm> = []
        let aliases = films.filter { if case .alias = labels[$0.key] { true } else { false } }
        let films = films.filter { !aliases.contains($0) }
        for film in films {
            let place: Int? =
                switch labels[film.key] {
                case .film(let imdb): byID[imdb]
                case .absent, .alias: nil
                case nil: bySpelling["\(film.name)\u{1f}\(film.yearText)"]
                }
            same[film] = place
            guard Self.random(film, seed, "absent").isBelow(10) else { continue }
            absent.insert(film)
            if let place { removed.insert(place) }
        }
        var entryOfPlace: [Int: Int] = [:]
        for (place, film) in free.enumerated() where !removed.contains(place) {
            entryOfPlace[place] = add(
                [film.name], year: film.year, minutes: film.minutes,
                shown: "\(film.name) (\(film.year ?? 0)) \(film.imdb)")
        }
        for film in films {
            var random = Self.random(film, seed, "entry")
            if absent.contains(film) {
                addDecoys(film, year: film.year, isAbsent: true, &random)
            } else if let place = same[film], let entry = entryOfPlace[place] {
                truth[film] = entry
                addDecoys(film, year: free[place].year, isAbsent: false, &random)
            } else if same[film] == nil {
                let kept = Disguise.entry(film, &random)
                truth[film] = add(kept.names, year: kept.year, minutes: nil, shown: "\(kept.names) (\(kept.year ?? 0))")
                addDecoys(film, year: kept.year, isAbsent: false, &random)
            }
        }
        for alias in aliases {
            guard case .alias(let key) = labels[alias.key] else { continue }
            truth[alias] = truth.first { $0.key.key == key }?.value
        }
    }

    @discardableResult
    private mutating func add(_ names: [String], year: Int?, minutes: Int?, shown: String) -> Int {
        let traits = TitleTraits(names: names.map { TitleName($0) }, kind: .movie, year: year, runtimeMinutes: minutes)
        for key in TitleKeys.keys(traits.names) { index[key, default: []].append(Int32(entries.count)) }
        entries.append(Entry(traits: traits, shown: shown))
        return entries.count - 1
    }

    private mutating func addDecoys(_ film: ExportFilm, year: Int?, isAbsent: Bool, _ random: inout SeededRandom) {
        guard let wanted = film.year else { return }
        var decoy = Disguise.decoy(film.name, wanted, &random)
        // Only a namesake a year apart resembles the film itself: it must lose to a film with the right year, and in
        // place of an absent film it occurs as often as in reality.
        let draw = Int.random(in: 0..<100_000, using: &random)
        let hasNeighbour = isAbsent ? draw < neighboursPer100k : year == wanted && draw < 4_000
        if hasNeighbour { decoy = (film.name, wanted + (draw.isMultiple(of: 2) ? 1 : -1)) }
        guard let decoy else { return }
        decoyCount += 1
        add([decoy.name], year: decoy.year, minutes: nil, shown: "decoy \(decoy.name) (\(decoy.year))")
    }

    /// The entries that share a key with the names.
    func candidates(_ names: [TitleName]) -> [Int32] {
        var found: [Int32] = []
        for key in TitleKeys.keys(names) {
            for entry in index[key] ?? [] where !found.contains(entry) { found.append(entry) }
        }
        return found
    }

    private static func neighbours(_ free: [FreeFilm]) -> Int {
        var years: [String: Set<Int>] = [:]
        for film in free { years[film.name.lowercased(), default: []].insert(film.year ?? 0) }
        let count = free.count { film in
            guard let year = film.year, let others = years[film.name.lowercased()] else { return false }
            return others.contains(year + 1) || others.contains(year - 1)
        }
        return count * 100_000 / max(free.count, 1)
    }

    /// A separate random source for each film and question, so that adding a film does not change the others.
    private static func random(_ film: ExportFilm, _ seed: UInt64, _ question: String) -> SeededRandom {
        let key = UInt64(film.key, radix: 16) ?? 0
        let salt = question.utf8.reduce(seed) { $0 &* 31 &+ UInt64($1) }
        return SeededRandom(seed: key ^ salt)
    }
}

extension SeededRandom {
    /// Returns true in `percent` of a hundred cases.
    func isBelow(_ percent: Int) -> Bool {
        var copy = self
        return Int.random(in: 0..<100, using: &copy) < percent
    }
}

/// Ways in which another catalogue might list a film.
enum Disguise {
    /// The film's own entry: in 10 % of cases the year is off by one, in another 18 % the name is spelled differently.
    static func entry(_ film: ExportFilm, _ random: inout SeededRandom) -> (names: [String], year: Int?) {
        let name = film.name
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<5: return ([name], film.year.map { $0 + 1 })
        case 5..<10: return ([name], film.year.map { $0 - 1 })
        case 10..<14: return ([accented(name)], film.year)
        case 14..<18: return ([repunctuated(name)], film.year)
        case 18..<21: return ([articled(name)], film.year)
        case 21..<24: return ([renumbered(name)], film.year)
        case 24..<28: return ([name.split(separator: " ").reversed().joined(separator: " ") + " ∙", name], film.year)
        default: return ([name], film.year)
        }
    }

    /// Another film that resembles this one.
    static func decoy(_ name: String, _ year: Int, _ random: inout SeededRandom) -> (name: String, year: Int)? {
        let sign = Bool.random(using: &random) ? 1 : -1
        let kind = Int.random(in: 0..<100, using: &random)
        let far = Int.random(in: 8...40, using: &random)
        return switch kind {
        case 0..<15: (name, year + sign * far)
        case 15..<20: (name, year + sign * (2 + far % 2))
        case 20..<24: (name + " 2", year + 1 + far % 3)
        case 24..<27: (name + " II", year + far % 3)
        case 27..<32: (name + ": Aftershock", year)
        case 32..<36: (articled(name), year + sign * (5 + far % 5))
        case 36..<40: (accented(name), year + sign * far)
        default: nil
        }
    }

    private static let accents: [Character: Character] = [
        "e": "é", "o": "ö", "a": "á", "i": "î", "u": "ü", "c": "ç", "n": "ñ", "s": "š",
    ]

    /// The name without its accents; if it has none, with accents on the first three letters that can take one.
    private static func accented(_ name: String) -> String {
        let plain = name.applyingTransform(.stripDiacritics, reverse: false) ?? name
        guard plain == name else { return plain }
        var left = 3
        return String(
            name.map { letter in
                guard left > 0, let accent = accents[letter] else { return letter }
                left -= 1
                return accent
            })
    }

    private static func repunctuated(_ name: String) -> String {
        name.replacing(": ", with: " – ").replacing(" & ", with: " and ").replacing("'", with: "’")
            .replacing("-", with: " ").replacing("!", with: "")
    }

    private static func articled(_ name: String) -> String {
        if name.hasPrefix("The ") { return name.dropFirst(4) + ", The" }
        return name.hasPrefix("A ") ? String(name.dropFirst(2)) : "The " + name
    }

    private static func renumbered(_ name: String) -> String {
        let pairs = [" III": " 3", " II": " 2", " 2": " II", " 3": " Three", "Two": "2", "Three": "3", "Seven": "7"]
        for (from, to) in pairs.sorted(by: { $0.key.count > $1.key.count }) where name.contains(from) {
            return name.replacing(from, with: to)
        }
        return name.uppercased()
    }
}
