import GZip

/// AniDB's HTTP interface, below `/anidb/httpapi`: XML, always gzipped without a header that says so, with status 200
/// for its own errors too.
package struct AniDBEmulator: EmulatedProvider {
    /// The registered client's name and version.
    package static let client = "reelaydemo"
    package static let clientVersion = "1"

    package let name = UpstreamName.anidb
    private let catalogue: Catalogue

    package init(catalogue: Catalogue) { self.catalogue = catalogue }

    package func reset() {}
    package func rateLimited() -> UpstreamResponse { xml("<error code=\"500\">banned</error>") }
    package func quotaUsedUp() -> UpstreamResponse { xml("<error>Banned</error>") }
    package func failure(status: Int) -> UpstreamResponse { .html("\(status) error", status: status) }

    package func answer(_ request: UpstreamRequest) async -> UpstreamResponse {
        guard request.segments == ["httpapi"], request.query("request") == "anime" else {
            return xml("<error>Unknown request</error>")
        }
        guard request.query("client") == Self.client, request.query("clientver") == Self.clientVersion,
            request.query("protover") == "1"
        else { return xml("<error code=\"302\">client version missing or invalid</error>") }
        guard let aid = request.query("aid").flatMap({ Int($0) }) else {
            return xml("<error>aid Missing or Invalid</error>")
        }
        guard let entry = catalogue.entry(number: aid - 300_000_000) else {
            return xml("<error>Anime not found</error>")
        }
        return xml(AniDBPayload(entry: entry).text)
    }

    private func xml(_ text: String) -> UpstreamResponse {
        let body = Array(text.utf8)
        return UpstreamResponse(
            status: 200, headers: [WireField("content-type", "text/xml; charset=UTF-8")],
            body: (try? GZip.packed(body)) ?? body)
    }
}

/// One entry in AniDB's shape.
struct AniDBPayload {
    let entry: CatalogueEntry

    var text: String {
        let title = entry.title
        let titles = [
            ("x-jat", "main", entry.romaji), ("ja", "official", entry.native ?? ""), ("en", "official", entry.name),
            ("en", "short", "sh"),
        ].filter { !$0.2.isEmpty }.map {
            "<title xml:lang=\"\($0.0)\" type=\"\($0.1)\">\(escaped($0.2))</title>"
        }
        let tags = title.genres.enumerated().map {
            "<tag id=\"\($0.element.rawValue)\" weight=\"\(600 - $0.offset * 100)\"><name>\($0.element.name.lowercased())</name></tag>"
        }
        let episodes = entry.episodes.map { episode in
            """
            <episode id="\(episode.tvdb)"><epno type="1">\(episode.number)</epno><length>\(episode.runtimeMinutes)</length>\
            <airdate>\(episode.released)</airdate>\(rating(episode))<title xml:lang="ja">\(escaped(episode.name))</title>\
            <title xml:lang="en">\(escaped(episode.name))</title></episode>
            """
        }
        return """
            <?xml version="1.0" encoding="UTF-8"?>
            <anime id="\(entry.anidb)" restricted="false"><type>\(title.kind == .movie ? "Movie" : "TV Series")</type>\
            <episodecount>\(entry.episodeCount)</episodecount><startdate>\(entry.released)</startdate>\
            <enddate>\(entry.ended ?? "")</enddate><titles>\(titles.joined())</titles>\
            <description>\(escaped(title.overview.replacing("'", with: "`")))</description>\(ratings)\
            <picture>\(entry.anidb).jpg</picture><resources><resource type="2"><externalentity>\
            <identifier>\(entry.myanimelist)</identifier></externalentity></resource><resource type="4"><externalentity>\
            <url>https://example.org/?a=1&amp;b=2</url></externalentity></resource></resources>\
            <tags>\(tags.joined())</tags><episodes>\(episodes.joined())\
            <episode id="1"><epno type="3">C1</epno><length>2</length><title xml:lang="en">Opening</title></episode>\
            </episodes></anime>
            """
    }

    private var ratings: String {
        guard let opinions = entry.opinions else { return "" }
        let (permanent, temporary) = (opinions.anidb, opinions.anidbTemporary)
        return "<ratings><permanent count=\"\(permanent.count)\">\(permanent.permanent)</permanent>"
            + "<temporary count=\"\(temporary.count)\">\(temporary.rating)</temporary>"
            + "<review count=\"3\">8.50</review></ratings>"
    }

    private func rating(_ episode: CatalogueEpisode) -> String {
        episode.ratings.opinions.map { "<rating votes=\"\($0.anidb.count)\">\($0.anidb.permanent)</rating>" } ?? ""
    }

    private func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}
