import Contracts
import JSON

/// Our own format, for Kodi add-ons and scripts, described in `docs/hooks.md`.
enum EventHook {
    static func read(_ json: JSONValue) -> HookReading? {
        guard let event = json["event"].text else { return nil }
        let server = json["server"]
        let account = json["account"].text
        return HookReading(
            sender: .events, event: event,
            server: (server["id"].text ?? server.text).map { .init(id: $0, name: server["name"].title) },
            account: account.map { .init(key: $0.shortened(to: 200), name: $0.shortened(to: 200)) },
            summary: item(json)?.summary, content: content(event, json))
    }

    private static func content(_ event: String, _ json: JSONValue) -> HookReading.Content {
        guard let kind = MediaEvent.Kind(rawValue: event) else { return .ignored("no event has this name") }
        guard let item = item(json) else { return .ignored("names neither a film nor an episode") }
        return .event(
            MediaEvent(
                kind: kind, item: item, player: json["player"].text ?? "", position: seconds(json["position_seconds"]),
                length: seconds(json["duration_seconds"]), isPaused: json["paused"].flag,
                isCompleted: json["completed"].flag == true, at: Timestamp(json["occurred_at"].text ?? "")))
    }

    private static func item(_ json: JSONValue) -> MediaItem? {
        let (ids, seriesIDs) = (ids(json["ids"]), ids(json["series"]["ids"]))
        let key = json["item"].text ?? ""
        switch json["kind"].text {
        case "movie":
            return MediaItem(kind: .movie, key: key, ids: ids, name: json["title"].title, year: json["year"].year)
        case "episode":
            let series = json["series"]
            return MediaItem(
                kind: .episode, key: key, ids: ids, name: json["title"].title,
                series: .init(ids: seriesIDs, name: series["title"].title, year: series["year"].year),
                season: json["season"].count,
                episodes: MediaItem.episodes(from: json["episode"].count, to: json["episode_end"].count))
        default: return nil
        }
    }

    private static func ids(_ json: JSONValue) -> ExternalIds {
        var ids = ExternalIds()
        for (name, value) in json.object?.members ?? [] { value.text.map { ids.take(name, $0) } }
        return ids
    }

    private static func seconds(_ value: JSONValue) -> Duration? {
        guard let seconds = value.double ?? value.string.flatMap({ Double($0) }), seconds.isFinite,
            (0...31_536_000).contains(seconds)
        else { return nil }
        return .milliseconds(Int64(seconds * 1_000))
    }
}
