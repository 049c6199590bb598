package import Contracts
import JSON

/// The supported senders.
package enum HookSender: String, Sendable, Hashable, CaseIterable {
    case plex
    case jellyfin
    case emby
    /// Our own format, for add-ons and scripts.
    case events
}

/// What was read from a delivery.
package struct HookReading: Sendable, Hashable {
    package struct Server: Sendable, Hashable {
        package let id: String
        package let name: String?
    }

    /// Someone with an account on the server.
    package struct Account: Sendable, Hashable {
        /// The server's identifier of the account; does not change when the person changes their name.
        package let key: String
        package let name: String
    }

    package enum Content: Sendable, Hashable {
        case event(MediaEvent)
        /// Nothing that concerns anyone's plays, and why.
        case ignored(String)
    }

    package let sender: HookSender
    /// The server's name for the event.
    package let event: String
    package let server: Server?
    package let account: Account?
    /// The title, in human-readable form.
    package let summary: String?
    package let content: Content

    /// Reads what a server sent, in any of the known formats; nil if it is in none of them.
    package init?(_ payload: [UInt8]) {
        guard let json = try? decodeJSON(JSONValue.self, from: payload), json.object != nil else { return nil }
        let reading: HookReading? =
            if json["NotificationType"].text != nil {
                JellyfinHook.read(json)
            } else if json["Event"].text != nil {
                EmbyHook.read(json)
            } else if json["Metadata"].object != nil || json["event"].text?.contains(".") == true {
                PlexHook.read(json)
            } else if json["event"].text != nil {
                EventHook.read(json)
            } else {
                nil
            }
        guard let reading else { return nil }
        self = reading
    }

    init(
        sender: HookSender, event: String, server: Server?, account: Account?, summary: String?, content: Content
    ) {
        self.sender = sender
        self.event = event.shortened(to: 60)
        self.server = server
        self.account = account
        self.summary = summary?.shortened(to: 200)
        self.content = content
    }

    /// Returns the salts that decide whether two deliveries are the same. A server that sends times never sends the
    /// same event twice. An event without a time means now, and is meant again after `endingRepetitionWindow` if it
    /// ends or marks something, and after `repetitionWindow` otherwise. The first salt is the delivery's own; an
    /// earlier delivery of the same event may have used one of the others.
    package func fingerprintSalts(receivedAt: Timestamp) -> [String] {
        guard case .event(let event) = content, event.at == nil else { return [""] }
        switch event.kind {
        case .stop, .scrobble, .markPlayed, .markUnplayed:
            let place = Self.place(of: receivedAt, in: HookLimits.endingRepetitionWindow)
            return ["\(place)", "\(place - 1)"]
        case .play, .pause, .resume, .progress, .seek:
            return ["\(Self.place(of: receivedAt, in: HookLimits.repetitionWindow))"]
        }
    }

    /// Whether the same event is meant again because `last` was received for its title in between: someone who pauses,
    /// resumes and pauses again may well still be at the same second. An event with a time is about that time alone.
    package func isMeantAgain(after last: HookReading) -> Bool {
        guard case .event(let event) = content, event.at == nil, case .event(let between) = last.content else {
            return false
        }
        switch event.kind {
        case .play, .pause, .resume:
            return [.play, .pause, .resume, .stop].contains(between.kind) && between.kind != event.kind
        case .stop: return [.play, .pause, .resume].contains(between.kind)
        case .markPlayed: return between.kind == .markUnplayed
        case .markUnplayed: return between.kind == .markPlayed
        case .scrobble, .progress, .seek: return false
        }
    }

    private static func place(of moment: Timestamp, in window: Duration) -> Int64 {
        moment.microsecondsSinceEpoch / (window.components.seconds * 1_000_000)
    }
}

// Servers render unknown values as empty strings, and numbers as strings if a template is involved.
extension JSONValue {
    /// A string, or a number as a string; nil if it is empty or anything else.
    var text: String? {
        switch self {
        case .string(let text): text.isEmpty ? nil : text
        case .number(let number): number.text
        default: nil
        }
    }

    /// An integer, also if given as a string.
    var count: Int? { int ?? string.flatMap { Int($0) } ?? double.flatMap { Int(exactly: $0.rounded()) } }

    /// A Boolean, also if given as a string.
    var flag: Bool? { bool ?? string.flatMap { Bool($0.lowercased()) } }

    /// A name, cut to 500 characters; nil if it is empty.
    var title: String? { text.map { $0.shortened(to: 500) } }

    /// A year that the contract accepts.
    var year: Int? { count.flatMap { (1_850...2_200).contains($0) ? $0 : nil } }

    /// The year at the start of a date.
    var yearOfDate: Int? { string.flatMap { Int($0.prefix(4)) }.flatMap { (1_850...2_200).contains($0) ? $0 : nil } }

    /// A duration in ticks of 100 ns.
    var ticks: Duration? { count.map { .nanoseconds(Int64($0.clamped) * 100) } }

    var milliseconds: Duration? { count.map { .milliseconds(Int64($0.clamped)) } }

    /// Returns the member called `name`, ignoring case.
    func member(like name: String) -> JSONValue {
        let wanted = name.lowercased()
        return object?.members.first { $0.name.lowercased() == wanted }?.value ?? .null
    }
}

extension Int {
    /// No film is longer than a year.
    fileprivate var clamped: Int { Swift.min(Swift.max(self, 0), 315_360_000_000_000) }
}

extension String {
    func shortened(to countMax: Int) -> String { count <= countMax ? self : String(prefix(countMax)) }
}

extension ExternalIds {
    /// Stores an ID that a server sent, if it is valid.
    mutating func take(_ source: String, _ value: String) {
        let number = Int(value).flatMap { $0 > 0 && $0 <= 9_007_199_254_740_991 ? $0 : nil }
        switch source.lowercased() {
        case "imdb":
            let digits = value.dropFirst(2)
            if value.hasPrefix("tt"), (7...10).contains(digits.count), digits.allSatisfy(\.isASCIIDigit) {
                imdb = value
            }
        case "tmdb", "themoviedb": tmdb = number
        case "tvdb", "thetvdb": tvdb = number
        case "tvmaze": tvmaze = number
        case "trakt": trakt = number
        case "simkl": simkl = number
        case "anilist": anilist = number
        case "anidb": anidb = number
        case "mal", "myanimelist": myanimelist = number
        case "kitsu": kitsu = number
        default: break
        }
    }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}
