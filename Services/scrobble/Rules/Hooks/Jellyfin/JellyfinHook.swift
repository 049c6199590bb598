import Contracts
import JSON

/// The generic format of Jellyfin's "Webhook" plugin: one flat object, sent with whatever content type was configured.
enum JellyfinHook {
    static func read(_ json: JSONValue) -> HookReading? {
        guard let event = json["NotificationType"].text else { return nil }
        let account = (json["UserId"].text ?? json["NotificationUsername"].text).map {
            HookReading.Account(key: $0, name: json["NotificationUsername"].title ?? $0)
        }
        return HookReading(
            sender: .jellyfin, event: event,
            server: json["ServerId"].text.map { .init(id: $0, name: json["ServerName"].title) }, account: account,
            summary: item(json)?.summary ?? json["Name"].title, content: content(event, json))
    }

    private static func content(_ event: String, _ json: JSONValue) -> HookReading.Content {
        let kind: MediaEvent.Kind
        switch event {
        case "PlaybackStart": kind = .play
        case "PlaybackProgress": kind = .progress
        case "PlaybackStop": kind = .stop
        case "UserDataSaved":
            // The other reasons come from playback, ratings, or programs such as this one.
            guard json["SaveReason"].text == "TogglePlayed", let played = json["Played"].flag else {
                return .ignored("not a mark that a person set")
            }
            kind = played ? .markPlayed : .markUnplayed
        default: return .ignored("is about the server, not about what is watched")
        }
        guard let item = item(json) else { return .ignored("neither a film nor an episode") }
        let isMark = kind == .markPlayed || kind == .markUnplayed
        let told = Timestamp(json["UtcTimestamp"].text ?? "") ?? Timestamp(json["Timestamp"].text ?? "")
        let watched = kind == .markPlayed ? Timestamp(json["LastPlayedDate"].text ?? "") : nil
        let isCompleted = json["PlayedToCompletion"].flag == true
        let position = isMark ? nil : place(json, isCompleted: isCompleted)
        return .event(
            MediaEvent(
                kind: kind, item: item, player: json["DeviceId"].text ?? json["DeviceName"].text ?? "",
                position: position, length: json["RunTimeTicks"].ticks ?? clock(json["RunTime"]),
                isPaused: json["IsPaused"].flag,
                // Has been observed to be true a fourteenth into a film, so it counts only if nothing else is known.
                isCompleted: position == nil && isCompleted, at: watched ?? told))
    }

    private static func item(_ json: JSONValue) -> MediaItem? {
        guard let type = json["ItemType"].text, let key = json["ItemId"].text else { return nil }
        var ids = ExternalIds()
        for (name, value) in json.object?.members ?? [] {
            guard name.lowercased().hasPrefix("provider_"), let id = value.text else { continue }
            ids.take(String(name.dropFirst("provider_".count)), id)
        }
        switch type {
        case "Movie":
            return MediaItem(kind: .movie, key: key, ids: ids, name: json["Name"].title, year: json["Year"].year)
        case "Episode":
            return MediaItem(
                kind: .episode, key: key, ids: ids, name: json["Name"].title,
                series: .init(name: json["SeriesName"].title, year: json["SeriesPremiereDate"].yearOfDate),
                season: json["SeasonNumber"].count,
                episodes: MediaItem.episodes(from: json["EpisodeNumber"].count, to: json["EpisodeNumberEnd"].count))
        default: return nil
        }
    }

    /// The player's position. The plugin writes 0 if the player reported none, so 0 is ignored for a completed title.
    private static func place(_ json: JSONValue, isCompleted: Bool) -> Duration? {
        let told = json["PlaybackPositionTicks"].ticks ?? clock(json["PlaybackPosition"])
        return isCompleted && told == .zero ? nil : told
    }

    /// `hh:mm:ss`.
    private static func clock(_ value: JSONValue) -> Duration? {
        let parts = (value.string ?? "").split(separator: ":").map { Int($0) }
        guard parts.count == 3, let hours = parts[0], let minutes = parts[1], let seconds = parts[2],
            (0...1_000).contains(hours), (0..<60).contains(minutes), (0..<60).contains(seconds)
        else { return nil }
        return .seconds(hours * 3_600 + minutes * 60 + seconds)
    }
}
