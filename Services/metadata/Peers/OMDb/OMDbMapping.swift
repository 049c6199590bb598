package import JSON

/// Reads OMDb's records, in which everything is a string and "N/A" means nothing.
package struct OMDbMapping: Sendable {
    /// The members of an answer that are read.
    package static let members = JSONSelection([
        "imdbID", "Type", "seriesID", "Season", "Episode", "Episodes", "Title", "Year", "Released", "Plot", "Runtime",
        "Genre", "Rated", "Poster", "Ratings", "Source", "Value", "imdbRating", "Metascore", "imdbVotes", "Search",
        "Response", "Error",
    ])

    /// Milliseconds since 1970.
    private let fetchedAtMilliseconds: Int64

    package init(fetchedAtMilliseconds: Int64) { self.fetchedAtMilliseconds = fetchedAtMilliseconds }

    /// Returns the facts of a film, series, or episode, from a full record or a search row; nil for a game or without
    /// an IMDb id.
    package func title(_ value: JSONView) -> ProviderFacts? {
        guard let imdb = SubjectIDs.checkedIMDb(told(value["imdbID"])), let kind = kind(value) else { return nil }
        var facts = ProviderFacts(provider: .omdb, kind: kind, fetchedAtMilliseconds: fetchedAtMilliseconds)
        facts.ids = SubjectIDs(imdb: imdb)
        if kind == .episode {
            facts.seriesIDs = SubjectIDs(imdb: SubjectIDs.checkedIMDb(told(value["seriesID"])))
            facts.seasonNumber = told(value["Season"]).flatMap { Int($0) }
            facts.episodeNumber = told(value["Episode"]).flatMap { Int($0) }
        }
        facts.name = FactsText.name(told(value["Title"]))
        let years = Self.years(told(value["Year"]) ?? "")
        facts.released = told(value["Released"]).flatMap { Self.date($0) } ?? years.first
        if kind == .series { facts.ended = years.last }
        facts.overview = FactsText.overview(told(value["Plot"]))
        facts.runtimeMinutes = FactsText.minutes(told(value["Runtime"]).flatMap { Self.minutes($0) })
        facts.genres = FactsText.genres((told(value["Genre"]) ?? "").split(separator: ",").map { String($0) })
        facts.certification = FactsText.certification(told(value["Rated"]))
        facts.posterURL = FactsText.address(told(value["Poster"]))
        for reading in readings(value, imdb: imdb) { facts.add(reading) }
        return facts
    }

    /// Returns the three figures, from the array or, where it lacks them, from the older members.
    private func readings(_ value: JSONView, imdb: String) -> [ScoreReading] {
        var texts: [String: String] = [:]
        for row in value["Ratings"].array {
            if let source = row["Source"].string, let text = told(row["Value"]), texts[source] == nil {
                texts[source] = text
            }
        }
        let mean =
            texts["Internet Movie Database"].flatMap { Self.figure($0, top: "10") }
            ?? told(value["imdbRating"]).flatMap { NativeFigure($0) }
        let critics = texts["Rotten Tomatoes"].flatMap { Self.percent($0) }
        let metascore =
            texts["Metacritic"].flatMap { Self.figure($0, top: "100") }
            ?? told(value["Metascore"]).flatMap { NativeFigure($0) }
        let votes = told(value["imdbVotes"]).flatMap { Int64($0.filter { $0 != "," }) }
        return [
            reading(.imdb, mean, votes: votes, url: "https://www.imdb.com/title/\(imdb)/"),
            reading(.rottenTomatoesCritics, critics), reading(.metacritic, metascore),
        ]
    }

    private func reading(
        _ source: ScoreSource, _ figure: NativeFigure?, votes: Int64? = nil, url: String? = nil
    ) -> ScoreReading {
        ScoreReading(
            source: source, figure: figure, votes: votes, via: .omdb, fetchedAtMilliseconds: fetchedAtMilliseconds,
            url: url)
    }

    private func kind(_ value: JSONView) -> SubjectKind? {
        switch told(value["Type"]) {
        case "series": .series
        case "episode": .episode
        case "movie", nil: .movie
        default: nil
        }
    }

    private func told(_ value: JSONView) -> String? {
        value.string.flatMap { $0.isEmpty || $0 == "N/A" ? nil : $0 }
    }

    /// "8.7/10" → 8.7 if the scale is the expected one.
    private static func figure(_ text: String, top: String) -> NativeFigure? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count == 2 && parts[1] == top ? NativeFigure(parts[0]) : nil
    }

    /// "83%" → 83
    private static func percent(_ text: String) -> NativeFigure? {
        text.hasSuffix("%") ? NativeFigure(text.dropLast()) : nil
    }

    /// "136 min" → 136
    private static func minutes(_ text: String) -> Int? {
        let parts = text.split(separator: " ")
        return parts.count == 2 && parts[1] == "min" ? Int(parts[0].filter { $0 != "," }) : nil
    }

    /// "1999", "2011–2019" and "2011–", with an en dash or a hyphen; a single year has no last one.
    private static func years(_ text: String) -> (first: PartialDate?, last: PartialDate?) {
        // An en dash is three bytes, the first of which is 0xE2.
        guard let dash = text.utf8.firstIndex(where: { $0 == 0xE2 || $0 == UInt8(ascii: "-") }) else {
            return (PartialDate(iso: text), nil)
        }
        let rest = text[dash...].drop { $0 == "–" || $0 == "-" }
        return (PartialDate(iso: String(text[..<dash])), PartialDate(iso: String(rest)))
    }

    /// "31 Mar 1999", or the "1999-03-31" of season lists.
    private static func date(_ text: String) -> PartialDate? {
        let parts = text.split(separator: " ")
        guard parts.count == 3 else { return PartialDate(iso: text) }
        let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard let day = Int(parts[0]), let month = names.firstIndex(of: String(parts[1])), let year = Int(parts[2])
        else { return nil }
        return PartialDate(year: year, month: month + 1, day: day)
    }
}
