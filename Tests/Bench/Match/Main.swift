import MetadataService
import TestSupport

/// Measures the rows matched per second against a catalogue of 20 000 titles: `bench-match ROUNDS SECONDS`. Prints a
/// JSON line per measurement.
@main
enum Main {
    private static let titleCount = 20_000
    private static let rowCount = 5_000

    static func main() {
        let arguments = CommandLine.arguments.dropFirst()
        let rounds = arguments.first.flatMap { Int($0) } ?? 5
        let seconds = arguments.dropFirst().first.flatMap { Double($0) } ?? 1
        var random = SeededRandom(seed: 20)
        let titles = (0..<titleCount).map { _ in film(&random) }
        // Nine of ten rows are films in the catalogue, as a person might write them.
        let rows = (0..<rowCount).map { index in
            index.isMultiple(of: 10)
                ? film(&random) : disguised(titles.randomElement(using: &random) ?? titles[0], &random)
        }
        let ours = Rules(titles)
        let naive = NaiveDictionary(titles)
        for _ in 0..<rounds {
            measure("ours", seconds, rows) { ours.place($0) }
            measure("naive", seconds, rows) { naive.place($0) }
        }
    }

    private static func measure(_ side: String, _ seconds: Double, _ rows: [Film], _ place: (Film) -> Int?) {
        let clock = ContinuousClock()
        let start = clock.now
        var done = 0
        var found = 0
        while clock.now - start < .seconds(seconds) {
            found = 0
            for row in rows where place(row) != nil { found += 1 }
            done += rows.count
        }
        let elapsed = clock.now - start
        let took = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
        print(#"{"side":"\#(side)","rows_per_second":\#(Double(done) / took),"found":\#(found)}"#)
    }

    /// So many words that about one title in fifteen shares its name with another, as among real films.
    private static let words: [String] = {
        let syllables = "no fer har lin ka stö mir ash wel tor an de gra bi quo sel ét ur".split(separator: " ")
        return syllables.flatMap { first in syllables.map { String(first + $0) } }
    }()

    private static func film(_ random: inout SeededRandom) -> Film {
        var name = (0..<Int.random(in: 1...4, using: &random)).map { _ in
            (words.randomElement(using: &random) ?? "").capitalizedFirst
        }.joined(separator: " ")
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<4: name = "The " + name
        case 4: name += ": Part \(["II", "2", "Two", "III"].randomElement(using: &random) ?? "2")"
        case 5: name += " & the " + (words.randomElement(using: &random) ?? "").capitalizedFirst
        default: break
        }
        return Film(name: name, year: Int.random(in: 1930...2025, using: &random))
    }

    private static func disguised(_ film: Film, _ random: inout SeededRandom) -> Film {
        switch Int.random(in: 0..<10, using: &random) {
        case 0: Film(name: film.name, year: film.year + 1)
        case 1: Film(name: film.name.uppercased(), year: film.year)
        case 2: Film(name: film.name.replacing(" & ", with: " and "), year: film.year)
        case 3: Film(name: film.name.replacing(": Part Two", with: " 2"), year: film.year)
        default: film
        }
    }
}

struct Film: Hashable {
    let name: String
    let year: Int
}

/// The rules as the service applies them: keys, candidates, decision.
struct Rules {
    private var index: [String: [Int32]] = [:]
    private var traits: [TitleTraits] = []

    init(_ films: [Film]) {
        for (place, film) in films.enumerated() {
            let names = [TitleName(film.name)]
            traits.append(TitleTraits(names: names, kind: .movie, year: film.year))
            for key in TitleKeys.keys(names) { index[key, default: []].append(Int32(place)) }
        }
    }

    func place(_ film: Film) -> Int? {
        let wanted = TitleTraits(names: [TitleName(film.name)], kind: .movie, year: film.year)
        var places: [Int32] = []
        for key in TitleKeys.keys(wanted.names) {
            for place in index[key] ?? [] where !places.contains(place) { places.append(place) }
        }
        let outcome = TitleMatcher.decide(wanted, among: places.map { traits[Int($0)] })
        guard case .matched(let found) = outcome.verdict else { return nil }
        return Int(places[found])
    }
}

/// The first attempt one would make: a key of lowercased letters and digits, and the year.
struct NaiveDictionary {
    private var index: [String: Int] = [:]

    init(_ films: [Film]) {
        for (place, film) in films.enumerated() { index[Self.key(film)] = place }
    }

    func place(_ film: Film) -> Int? { index[Self.key(film)] }

    private static func key(_ film: Film) -> String {
        film.name.lowercased().filter { $0.isLetter || $0.isNumber } + "|\(film.year)"
    }
}

extension String {
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
