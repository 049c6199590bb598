import Contracts
import JSON

/// Webhooks of Emby: the form field `data`, or the body itself.
enum EmbyHook {
    static func read(_ json: JSONValue) -> HookReading? {
        guard let event = json["Event"].text else { return nil }
        let user = json["User"]
        let account = (user["Id"].text ?? user["Name"].text).map {
            HookReading.Account(key: $0, name: user["Name"].title ?? $0)
        }
        return HookReading(
            sender: .emby, event: event,
            server: json["Server"]["Id"].text.map { .init(id: $0, name: json["Server"]["Name"].title) },
            account: account, summary: item(json["Item"])?.summary ?? json["Item"]["Name"].title,
            content: content(event, json))
    }

    private static func content(_ event: String, _ json: JSONValue) -> HookReading.Content {
        let kind: MediaEvent.Kind
        switch event {
        case "playback.start": kind = .play
        case "playback.pause": kind = .pause
        case "playback.unpause": kind = .resume
        case "playback.stop": kind = .stop
        case "playback.scrobble": kind = .scrobble
        case "playback.progress": kind = .progress
        case "item.markplayed": kind = .markPlayed
        case "item.markunplayed": kind = .markUnplayed
        case "item.rate": return .ignored("ratings are not taken from media servers")
        default: return .ignored("is about the server, not about what is watched")
        }
        guard let item = item(json["Item"]) else { return .ignored("neither a film nor an episode") }
        let (playback, session) = (json["PlaybackInfo"], json["Session"])
        // The session may already be at the next episode, so it is used only if nothing else gives the value.
        let position = playback["PositionTicks"].ticks ?? (kind == .play ? .zero : nil)
        return .event(
            MediaEvent(
                kind: kind, item: item, player: session["DeviceId"].text ?? session["DeviceName"].text ?? "",
                position: position, length: json["Item"]["RunTimeTicks"].ticks,
                isPaused: session["PlayState"]["IsPaused"].flag,
                isCompleted: position == nil && playback["PlayedToCompletion"].flag == true,
                at: Timestamp(json["Date"].text ?? "")))
    }

    private static func item(_ item: JSONValue) -> MediaItem? {
        guard let type = item["Type"].text, let key = item["Id"].text else { return nil }
        var ids = ExternalIds()
        // The case varies: Imdb, IMDB, imdb.
        for (name, value) in item["ProviderIds"].object?.members ?? [] { value.text.map { ids.take(name, $0) } }
        switch type {
        case "Movie":
            return MediaItem(
                kind: .movie, key: key, ids: ids, name: item["Name"].title, year: item["ProductionYear"].year)
        case "Episode":
            return MediaItem(
                kind: .episode, key: key, ids: ids, name: item["Name"].title,
                series: .init(name: item["SeriesName"].title), season: item["ParentIndexNumber"].count,
                episodes: MediaItem.episodes(from: item["IndexNumber"].count, to: item["IndexNumberEnd"].count))
        default: return nil
        }
    }
}
