/// An index of names by the prefixes of their words. It avoids a scan of all names, since a large catalogue is searched
/// thousands of times while something else is measured.
struct NameIndex: Sendable {
    /// The words of each name at each place.
    private let names: [[[String]]]
    /// All distinct words, sorted, and the places that have each.
    private let words: [String]
    private let holders: [[Int]]

    init(_ names: [[[String]]]) {
        self.names = names
        var places: [String: [Int]] = [:]
        for (place, list) in names.enumerated() {
            for word in Set(list.joined()) { places[word, default: []].append(place) }
        }
        words = places.keys.sorted()
        holders = words.map { places[$0] ?? [] }
    }

    /// The places with a name in which each prefix begins a word, in ascending order; empty if there are no prefixes.
    func places(holding prefixes: [String]) -> [Int] {
        let rarest = prefixes.map(candidates).min { $0.count < $1.count } ?? []
        return rarest.sorted().filter { place in
            names[place].contains { name in
                prefixes.allSatisfy { prefix in name.contains { $0.hasPrefix(prefix) } }
            }
        }
    }

    private func candidates(_ prefix: String) -> Set<Int> {
        var low = 0
        var high = words.count
        while low < high {
            let middle = (low + high) / 2
            if words[middle] < prefix { low = middle + 1 } else { high = middle }
        }
        var found: Set<Int> = []
        while low < words.count, words[low].hasPrefix(prefix) {
            found.formUnion(holders[low])
            low += 1
        }
        return found
    }
}
