/// Reads AniDB's records; every season of a series has its own.
package struct AniDBMapping: Sendable {
    /// The least weight of a genre; tags with less are details.
    private static let tagWeightMin = 300
    /// The most genres of one title.
    private static let tagsMax = 10

    /// Milliseconds since 1970.
    private let fetchedAtMilliseconds: Int64

    package init(fetchedAtMilliseconds: Int64) { self.fetchedAtMilliseconds = fetchedAtMilliseconds }

    /// Returns the facts of the record whose `anime` element the reader has entered; nil without an id. Throws if the
    /// record is truncated or malformed.
    package func entry(_ reader: XMLReader, as kind: SubjectKind) throws(XMLError) -> ProviderFacts? {
        var reader = reader
        guard let id = SubjectIDs.checked(reader.attribute("id").flatMap { Int($0) }) else { return nil }
        var facts = ProviderFacts(provider: .anidb, kind: kind, fetchedAtMilliseconds: fetchedAtMilliseconds)
        facts.ids.anidb = id
        while let name = try reader.nextChild() {
            switch name {
            case "startdate": facts.released = PartialDate(iso: try reader.text())
            case "enddate": facts.ended = PartialDate(iso: try reader.text())
            case "titles": try readTitles(&reader, into: &facts)
            case "description": facts.overview = FactsText.overview(Self.described(try reader.text()))
            case "picture":
                facts.posterURL = FactsText.address("https://cdn.anidb.net/images/main/\(try reader.text())")
            case "ratings": try readRatings(&reader, id: id, into: &facts)
            case "tags": facts.genres = try genres(&reader)
            case "resources": try readResources(&reader, into: &facts)
            case "episodes": try readEpisodes(&reader, into: &facts)
            default: try reader.skip()
            }
        }
        facts.runtimeMinutes = facts.children.lazy.compactMap(\.runtimeMinutes).first
        return facts
    }

    /// Returns the kind that a record's `type` names, or nil if it names none.
    package static func kind(_ reader: XMLReader) throws(XMLError) -> SubjectKind? {
        var reader = reader
        while let name = try reader.nextChild() {
            guard name == "type" else {
                try reader.skip()
                continue
            }
            let type = try reader.text()
            return type == "Movie" ? .movie : type.isEmpty || type == "Music Video" ? nil : .series
        }
        return nil
    }

    private func readTitles(_ reader: inout XMLReader, into facts: inout ProviderFacts) throws(XMLError) {
        var english: String?
        var main: String?
        var others: [String?] = []
        while try reader.nextChild() != nil {
            let language = reader.attribute("xml:lang")
            let type = reader.attribute("type")
            let title = FactsText.name(Self.spelled(try reader.text()))
            switch (type, language) {
            case ("main", _): main = main ?? title
            case ("official", "en"): english = english ?? title
            case ("official", "ja"): facts.originalName = facts.originalName ?? title
            // Short forms such as "eva" are not names to search by.
            case ("official", _), ("synonym", _): others.append(title)
            default: break
            }
        }
        facts.name = english ?? main
        facts.otherNames = FactsText.names([main] + others, besides: [facts.name, facts.originalName])
    }

    /// Reads the mean of votes cast after finishing, and of those cast while watching; the reviews' mean is neither.
    private func readRatings(
        _ reader: inout XMLReader, id: Int64, into facts: inout ProviderFacts
    ) throws(XMLError) {
        while let name = try reader.nextChild() {
            let votes = reader.attribute("count").flatMap { Int64($0) }
            let figure = NativeFigure(try reader.text())
            let source: ScoreSource? =
                name == "permanent" ? .anidbPermanent : name == "temporary" ? .anidbTemporary : nil
            guard let source else { continue }
            facts.add(
                ScoreReading(
                    source: source, figure: figure, votes: votes, via: .anidb,
                    fetchedAtMilliseconds: fetchedAtMilliseconds, url: "https://anidb.net/anime/\(id)"))
        }
    }

    private func genres(_ reader: inout XMLReader) throws(XMLError) -> [String] {
        var tags: [(weight: Int, name: String)] = []
        while try reader.nextChild() != nil {
            let weight = reader.attribute("weight").flatMap { Int($0) } ?? 0
            guard weight >= Self.tagWeightMin else {
                try reader.skip()
                continue
            }
            while let name = try reader.nextChild() {
                let text = try reader.text()
                if name == "name" { tags.append((weight, text)) }
            }
        }
        // Equal weights keep AniDB's order.
        let sorted = tags.enumerated().sorted { ($1.element.weight, $0.offset) < ($0.element.weight, $1.offset) }
        return FactsText.genres(sorted.prefix(Self.tagsMax).map(\.element.name))
    }

    /// Reads the ids at other sites: 2 is MyAnimeList, 43 IMDb, and 44 TMDb, whose second identifier names the kind.
    /// The last two have one entry for a whole series, so their ids are not a season's.
    private func readResources(_ reader: inout XMLReader, into facts: inout ProviderFacts) throws(XMLError) {
        while try reader.nextChild() != nil {
            let type = reader.attribute("type")
            while try reader.nextChild() != nil {
                var identifiers: [String] = []
                while let name = try reader.nextChild() {
                    let text = try reader.text()
                    if name == "identifier" { identifiers.append(text) }
                }
                let number = identifiers.first.flatMap { SubjectIDs.checked(Int($0)) }
                switch type {
                case "2": facts.ids.myanimelist = facts.ids.myanimelist ?? number
                case "43" where facts.kind != .season:
                    facts.ids.imdb = facts.ids.imdb ?? SubjectIDs.checkedIMDb(identifiers.first)
                case "44" where facts.kind != .season:
                    let isMovie = identifiers.dropFirst().first == "movie"
                    if isMovie == (facts.kind == .movie) { facts.ids.tmdb = facts.ids.tmdb ?? number }
                default: break
                }
            }
        }
    }

    /// Reads the regular episodes, numbered within the entry: AniDB does not say which season of a series that is.
    private func readEpisodes(_ reader: inout XMLReader, into facts: inout ProviderFacts) throws(XMLError) {
        while try reader.nextChild() != nil {
            let id = SubjectIDs.checked(reader.attribute("id").flatMap { Int($0) })
            if let episode = try episode(&reader, id: id, entry: facts.ids),
                facts.children.count < ProviderLimits.childrenMax
            {
                facts.children.append(episode)
            }
        }
        facts.children.sort { ($0.episodeNumber ?? 0) < ($1.episodeNumber ?? 0) }
    }

    private func episode(
        _ reader: inout XMLReader, id: Int64?, entry: SubjectIDs
    ) throws(XMLError) -> ProviderFacts? {
        var facts = ProviderFacts(provider: .anidb, kind: .episode, fetchedAtMilliseconds: fetchedAtMilliseconds)
        facts.ids.anidb = id
        facts.seriesIDs.anidb = entry.anidb
        while let name = try reader.nextChild() {
            switch name {
            case "epno":
                let isRegular = reader.attribute("type") == "1"
                let number = Int(try reader.text())
                if isRegular { facts.episodeNumber = number.flatMap { (0...100_000).contains($0) ? $0 : nil } }
            case "length": facts.runtimeMinutes = FactsText.minutes(Int(try reader.text()))
            case "airdate": facts.released = PartialDate(iso: try reader.text())
            case "rating":
                let votes = reader.attribute("votes").flatMap { Int64($0) }
                facts.add(
                    ScoreReading(
                        source: .anidbPermanent, figure: NativeFigure(try reader.text()), votes: votes, via: .anidb,
                        fetchedAtMilliseconds: fetchedAtMilliseconds,
                        url: id.map { "https://anidb.net/episode/\($0)" }))
            case "title":
                let language = reader.attribute("xml:lang")
                guard language == "en" || language == "ja" else {
                    try reader.skip()
                    continue
                }
                let title = FactsText.name(Self.spelled(try reader.text()))
                if language == "en" { facts.name = title } else { facts.originalName = title }
            default: try reader.skip()
            }
        }
        return facts.episodeNumber == nil ? nil : facts
    }

    /// Replaces the backticks that AniDB writes for apostrophes.
    private static func spelled(_ text: String) -> String { text.replacing("`", with: "'") }

    /// Replaces links such as "http://anidb.net/ch123 [Name]" with their names.
    private static func described(_ text: String) -> String {
        var result = ""
        var rest = spelled(text)[...]
        while let start = rest.firstRange(of: "http://anidb.net/") ?? rest.firstRange(of: "https://anidb.net/") {
            let link = rest[start.lowerBound...]
            guard let opening = link.firstIndex(of: "["), let closing = link.firstIndex(of: "]"), opening < closing,
                link[..<opening].filter({ $0 == " " }).count == 1
            else {
                result += rest[..<start.upperBound]
                rest = rest[start.upperBound...]
                continue
            }
            result += rest[..<start.lowerBound]
            result += link[link.index(after: opening)..<closing]
            rest = rest[rest.index(after: closing)...]
        }
        return result + rest
    }
}
