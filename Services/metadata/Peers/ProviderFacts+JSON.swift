import Contracts
package import JSON

/// How facts are stored between refreshes, without the lists of seasons and episodes. Anything that can no longer be
/// read is omitted.
extension ProviderFacts: JSONEncodable {
    package func encode(to writer: inout JSONWriter) {
        writer.raw("{")
        writer.member(#""provider":"#)
        writer.string(provider.rawValue)
        writer.member(#""kind":"#)
        writer.string(kind.rawValue)
        writer.member(#""fetched_at":"#)
        writer.int(Int(fetchedAtMilliseconds))
        Self.write(validator, #""validator":"#, &writer)
        Self.write(Self.reading, #""reading":"#, &writer)
        Self.write(ids, #""ids":"#, &writer)
        Self.write(seriesIDs, #""series_ids":"#, &writer)
        Self.write(seasonNumber, #""season":"#, &writer)
        Self.write(episodeNumber, #""episode":"#, &writer)
        Self.write(name, #""name":"#, &writer)
        Self.write(originalName, #""original_name":"#, &writer)
        Self.write(otherNames, #""other_names":"#, &writer)
        Self.write(originalLanguage, #""language":"#, &writer)
        Self.write(released?.iso, #""released":"#, &writer)
        Self.write(ended?.iso, #""ended":"#, &writer)
        Self.write(overview, #""overview":"#, &writer)
        Self.write(runtimeMinutes, #""runtime":"#, &writer)
        Self.write(genres, #""genres":"#, &writer)
        Self.write(certification, #""certification":"#, &writer)
        Self.write(posterURL, #""poster":"#, &writer)
        Self.write(backdropURL, #""backdrop":"#, &writer)
        if !scores.isEmpty {
            writer.member(#""scores":"#)
            writer.array(scores) { $1.encode(to: &$0) }
        }
        writer.raw("}")
    }

    private static func write(_ value: String?, _ name: StaticString, _ writer: inout JSONWriter) {
        guard let value else { return }
        writer.member(name)
        writer.string(value)
    }

    private static func write(_ value: Int?, _ name: StaticString, _ writer: inout JSONWriter) {
        guard let value else { return }
        writer.member(name)
        writer.int(value)
    }

    private static func write(_ values: [String], _ name: StaticString, _ writer: inout JSONWriter) {
        guard !values.isEmpty else { return }
        writer.member(name)
        writer.array(values) { $0.string($1) }
    }

    private static func write(_ ids: SubjectIDs, _ name: StaticString, _ writer: inout JSONWriter) {
        guard ids != SubjectIDs() else { return }
        writer.member(name)
        ExternalIds(ids).encode(to: &writer)
    }

    /// The version of what is read of answers. It has to be raised whenever another member is read, so that what is
    /// unchanged at the provider is read once more.
    private static let reading: Int? = 1

    /// Nil if it does not come from a provider known today.
    init?(_ value: JSONValue) {
        guard let provider = value["provider"].string.flatMap(ProviderID.init(rawValue:)),
            let kind = value["kind"].string.flatMap(SubjectKind.init(rawValue:)), let at = value["fetched_at"].int
        else { return nil }
        self.init(provider: provider, kind: kind, fetchedAtMilliseconds: Int64(at))
        if value["reading"].int == Self.reading { validator = value["validator"].string }
        ids = SubjectIDs(value["ids"])
        seriesIDs = SubjectIDs(value["series_ids"])
        seasonNumber = value["season"].int
        episodeNumber = value["episode"].int
        name = value["name"].string
        originalName = value["original_name"].string
        otherNames = value["other_names"].array.compactMap(\.string)
        originalLanguage = value["language"].string
        released = value["released"].string.flatMap { PartialDate(iso: $0) }
        ended = value["ended"].string.flatMap { PartialDate(iso: $0) }
        overview = value["overview"].string
        runtimeMinutes = value["runtime"].int
        genres = value["genres"].array.compactMap(\.string)
        certification = value["certification"].string
        posterURL = value["poster"].string
        backdropURL = value["backdrop"].string
        scores = value["scores"].array.compactMap { OutsideScore($0) }
    }
}

extension SubjectIDs {
    fileprivate init(_ value: JSONValue) {
        func number(_ name: String) -> Int64? { value[name].int.map { Int64($0) } }
        self.init(
            imdb: value["imdb"].string, tmdb: number("tmdb"), tvdb: number("tvdb"), wikidata: value["wikidata"].string,
            tvmaze: number("tvmaze"), trakt: number("trakt"), letterboxd: value["letterboxd"].string,
            simkl: number("simkl"), anilist: number("anilist"), anidb: number("anidb"),
            myanimelist: number("myanimelist"), kitsu: number("kitsu"))
    }
}

extension OutsideScore: JSONEncodable {
    package func encode(to writer: inout JSONWriter) {
        writer.raw("{")
        writer.member(#""source":"#)
        writer.string(source.rawValue)
        writer.member(#""value":"#)
        writer.string(value)
        if let scoreHundredths {
            writer.member(#""hundredths":"#)
            writer.int(Int(scoreHundredths))
        }
        if let votes {
            writer.member(#""votes":"#)
            writer.int(Int(votes))
        }
        writer.member(#""via":"#)
        writer.string(via.rawValue)
        writer.member(#""fetched_at":"#)
        writer.int(Int(fetchedAtMilliseconds))
        writer.member(#""status":"#)
        writer.string(status.rawValue)
        if let url {
            writer.member(#""url":"#)
            writer.string(url)
        }
        writer.raw("}")
    }

    init?(_ value: JSONValue) {
        guard let source = value["source"].string.flatMap(ScoreSource.init(rawValue:)),
            let shown = value["value"].string,
            let via = value["via"].string.flatMap(ProviderID.init(rawValue:)), let at = value["fetched_at"].int,
            let status = value["status"].string.flatMap(ScoreStatus.init(rawValue:))
        else { return nil }
        self.init(
            source: source, value: shown, scoreHundredths: value["hundredths"].int.map { Int64($0) },
            votes: value["votes"].int.map { Int64($0) }, via: via, fetchedAtMilliseconds: Int64(at), status: status,
            url: value["url"].string)
    }
}
