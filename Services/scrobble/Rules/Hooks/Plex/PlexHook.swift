import Contracts
import JSON

/// Webhooks of Plex Media Server: the form part `payload`; the other part is a picture.
enum PlexHook {
    static func read(_ json: JSONValue) -> HookReading? {
        guard let event = json["event"].text else { return nil }
        let data = json["Metadata"]
        let content = content(event, data, json["Player"])
        return HookReading(
            sender: .plex, event: event,
            server: json["Server"]["uuid"].text.map { .init(id: $0, name: json["Server"]["title"].title) },
            account: json["Account"]["id"].text.map { .init(key: $0, name: json["Account"]["title"].title ?? $0) },
            summary: item(data)?.summary ?? data["title"].title, content: content)
    }

    private static func content(_ event: String, _ data: JSONValue, _ player: JSONValue) -> HookReading.Content {
        let kind: MediaEvent.Kind
        switch event {
        case "media.play": kind = .play
        case "media.pause": kind = .pause
        case "media.resume": kind = .resume
        case "media.stop": kind = .stop
        case "media.scrobble": kind = .scrobble
        case "media.rate": return .ignored("ratings are not taken from media servers")
        default: return .ignored("is about the server, not about what is watched")
        }
        if data["live"].count == 1 { return .ignored("live television") }
        guard let item = item(data) else { return .ignored("neither a film nor an episode") }
        // A title played from its start has no offset.
        let position = data["viewOffset"].milliseconds ?? (kind == .play ? .zero : nil)
        return .event(
            MediaEvent(
                kind: kind, item: item, player: player["uuid"].text ?? player["title"].text ?? "", position: position,
                length: data["duration"].milliseconds))
    }

    private static func item(_ data: JSONValue) -> MediaItem? {
        guard let type = data["type"].text, let key = data["ratingKey"].text ?? data["guid"].text else { return nil }
        var ids = ExternalIds()
        for guid in data["Guid"].array {
            let parts = (guid["id"].text ?? "").split(separator: "/", omittingEmptySubsequences: true)
            guard parts.count == 2, parts[0].hasSuffix(":") else { continue }
            ids.take(String(parts[0].dropLast()), String(parts[1]))
        }
        let legacy = LegacyGUID(data["guid"].text ?? "")
        switch type {
        case "movie":
            if let legacy, ids == ExternalIds() { ids.take(legacy.source, legacy.id) }
            return MediaItem(kind: .movie, key: key, ids: ids, name: data["title"].title, year: data["year"].year)
        case "episode":
            var series = MediaItem.Series(name: data["grandparentTitle"].title)
            // The older agents name the series and the numbers.
            if let legacy { series.ids.take(legacy.source, legacy.id) }
            return MediaItem(
                kind: .episode, key: key, ids: ids, name: data["title"].title, series: series,
                season: data["parentIndex"].count ?? legacy?.season,
                episodes: MediaItem.episodes(from: data["index"].count ?? legacy?.episode, to: nil))
        default: return nil
        }
    }

    /// An ID of the agents before 2020: `com.plexapp.agents.thetvdb://81189/1/3?lang=en`, or HAMA's
    /// `com.plexapp.agents.hama://anidb-1234/1/3`.
    private struct LegacyGUID {
        let source: String
        let id: String
        var season: Int?
        var episode: Int?

        init?(_ guid: String) {
            let prefix = "com.plexapp.agents."
            guard guid.hasPrefix(prefix) else { return nil }
            let parts = guid.dropFirst(prefix.count).prefix { $0 != "?" }.split(separator: "/")
            guard parts.count >= 2, parts[0].hasSuffix(":") else { return nil }
            let agent = parts[0].dropLast()
            if agent == "hama" {
                let pair = parts[1].split(separator: "-", maxSplits: 1)
                guard pair.count == 2 else { return nil }
                (source, id) = (String(pair[0].prefix { $0.isLetter }), String(pair[1]))
            } else {
                (source, id) = (String(agent), String(parts[1]))
            }
            if parts.count >= 4 { (season, episode) = (Int(parts[2]), Int(parts[3])) }
        }
    }
}
