package import Contracts
package import JSON

/// What Simkl did not recognize in a request: it echoes that, though not always in the form in which it was sent.
extension SimklCalls {
    /// Whether the response to a list says that Simkl does not know this title, or, for an episode, its show or its
    /// place there.
    package static func isUnknown(_ title: TitleQuery, in body: JSONValue) -> Bool {
        let isItem = title.kind == .movie || title.kind == .series
        let named = isItem ? item(title.ids, title.name, title.year) : show(title)
        guard let sent = named.map({ JSONValue.object(JSONObject($0)) }) else { return false }
        let missing = body["not_found"]
        let items = missing[title.kind == .movie ? "movies" : "shows"].array
        if items.contains(where: { isSame(sent, $0) && holds($0, title) }) { return true }
        guard title.kind == .episode else { return false }
        return missing["episodes"].array.contains { told in
            isSame(sent, told["show"].object == nil ? told : told["show"]) && holds(told, title)
        }
    }

    /// Whether the echo is what was sent: Simkl's own number decides if both have it, otherwise any ID that both have,
    /// otherwise name and year. Numbers may come back as strings.
    private static func isSame(_ sent: JSONValue, _ told: JSONValue) -> Bool {
        func equal(_ name: String) -> Bool? {
            guard let one = text(sent["ids"][name]), let other = text(told["ids"][name]) else { return nil }
            return one == other
        }
        if let isSame = equal("simkl") { return isSame }
        let shared = (sent["ids"].object?.members ?? []).compactMap { equal($0.name) }
        guard shared.isEmpty else { return shared.contains(true) }
        guard let name = sent["title"].string, name == told["title"].string else { return false }
        return text(sent["year"]) == text(told["year"])
    }

    /// Whether the echo of a show includes this episode: below its season, by its place, or with the whole show.
    private static func holds(_ told: JSONValue, _ title: TitleQuery) -> Bool {
        guard title.kind == .episode, let season = title.seasonNumber, let number = title.episodeNumber else {
            return true
        }
        func isNumber(_ value: JSONValue, _ number: Int) -> Bool { text(value) == String(number) }
        let seasons = told["seasons"].array
        guard seasons.isEmpty else {
            return seasons.contains { part in
                let episodes = part["episodes"].array
                return isNumber(part["number"], season)
                    && (episodes.isEmpty || episodes.contains { isNumber($0["number"], number) })
            }
        }
        let place = told["episode"].object == nil ? told : told["episode"]
        // Documented under both names.
        let named = place["number"].isNull ? place["episode"] : place["number"]
        guard text(named) != nil else { return true }
        return isNumber(named, number) && (place["season"].isNull || isNumber(place["season"], season))
    }

    /// Returns a number or a string as a string; nil if it is neither, or empty.
    private static func text(_ value: JSONValue) -> String? {
        (value.string ?? value.number?.text).flatMap { $0.isEmpty ? nil : $0 }
    }
}
