/// The forms of names under which titles are found.
enum NameIndex {
    /// Names of one title that are kept.
    static let namesMax = 60

    /// The words that are searched.
    static func words(_ name: String) -> String { TitleMatch.normalized(name) }

    /// The keys that are looked up, without doubles.
    static func keys(_ names: [String]) -> [String] {
        var keys: [String] = []
        for name in names {
            let key = TitleMatch.normalized(name)
            if !key.isEmpty, !keys.contains(key) { keys.append(key) }
        }
        return keys
    }
}
