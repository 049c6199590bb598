package import Contracts
import JSON

/// The senders that are understood.
package enum HookSender: String, Sendable, Hashable, CaseIterable {
    case plex
    case jellyfin
    case emby
    /// Our own form, for add-ons and scripts.
    case events
}

/// What was read of a delivery.
package struct HookReading: Sendable, Hashable {
    package struct Server: Sendable, Hashable {
        package let id: String
        package let name: String?
    }

    /// Somebody with an account at the server.
    package struct Account: Sendable, Hashable {
        /// What the server calls it; stays when the person changes their name.
        package let key: String
        package let name: String
    }

    package enum Content: Sendable, Hashable {
        case event(MediaEvent)
        /// Nothing that concerns anybody's plays, and why.
        case ignored(String)
    }

    package let sender: HookSender
    /// What the server calls the event.
    package let event: String
    package let server: Server?
    package let account: Account?
    /// The title, for people.
    package let summary: String?
    package let content: Content

    /// Reads what a server sent, in whichever of the known forms it is; nil for what is none of them.
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

    /// What makes two deliveries one. A server that gives its words a time never says the same twice; a word without one is of
    /// now, and is meant again once `endingRepetitionWindow` is over where it ends something or marks, `repetitionWindow` where
    /// it does not. The first salt is the delivery's own; with one of the others the same may have come before.
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

    /// Whether the same word is meant another time where `last` was told of its title since: whoever pauses, goes on and pauses again
    /// may well be at the same second still. What was told with a time was told of that time alone.
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

// Servers render what they do not know as empty text, and numbers as text where a template is involved.
extension JSONValue {
    /// Text or a number as text; nil where it is empty or something else.
    var text: String? {
        switch self {
        case .string(let text): text.isEmpty ? nil : text
        case .number(let number): number.text
        default: nil
        }
    }

    /// A whole number, also as text.
    var count: Int? { int ?? string.flatMap { Int($0) } ?? double.flatMap { Int(exactly: $0.rounded()) } }

    /// Yes or no, also as text.
    var flag: Bool? { bool ?? string.flatMap { Bool($0.lowercased()) } }

    /// A name: text of 1 to 500 characters.
    var title: String? { text.map { $0.shortened(to: 500) } }

    /// A year that the contract takes.
    var year: Int? { count.flatMap { (1_850...2_200).contains($0) ? $0 : nil } }

    /// The year at the front of a date.
    var yearOfDate: Int? { string.flatMap { Int($0.prefix(4)) }.flatMap { (1_850...2_200).contains($0) ? $0 : nil } }

    /// 100 ns each.
    var ticks: Duration? { count.map { .nanoseconds(Int64($0.clamped) * 100) } }

    var milliseconds: Duration? { count.map { .milliseconds(Int64($0.clamped)) } }

    /// Any member whose name is one of `names` but for upper and lower case.
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
    /// Takes an id that a server names, where it is one.
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
