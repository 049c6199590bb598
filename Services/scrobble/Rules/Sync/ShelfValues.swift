package import Contracts

/// A title's presence on the watchlist, and its status there.
package struct ListedValue: SyncStorable {
    package let status: WishStatus

    private static let wanted = "listed"

    package init(_ status: WishStatus = .planToWatch) { self.status = status }

    /// Creates the value as held by the other side; nil if it knows only wishes, or nothing of the kind. A film cannot
    /// be on hold there: it stays planned.
    package init?(_ status: WishStatus, _ kind: TitleKind, at shape: RemoteShape) {
        if status == .planToWatch || (status == .onHold && kind == .movie && shape.holdsStatuses) {
            self.init()
        } else if shape.holdsStatuses {
            self.init(status)
        } else {
            return nil
        }
    }

    package init?(stored text: String) {
        guard let status = text == Self.wanted ? .planToWatch : WishStatus(rawValue: text) else { return nil }
        self.init(status)
    }

    package var stored: String { isWanted ? Self.wanted : status.rawValue }
    package var isWanted: Bool { status == .planToWatch }

    package static func < (one: ListedValue, other: ListedValue) -> Bool { one.stored < other.stored }
}

/// How far a title was watched, in tenths of a percent.
package struct ProgressValue: SyncStorable {
    package let tenths: Int

    /// Nil outside 0 to 100.
    package init?(percent: Double) {
        guard (0...100).contains(percent) else { return nil }
        tenths = Int((percent * 10).rounded())
    }

    package init?(stored text: String) {
        guard let percent = Double(text) else { return nil }
        self.init(percent: percent)
    }

    package var percent: Double { Double(tenths) / 10 }
    package var stored: String { "\(percent)" }

    package static func < (one: ProgressValue, other: ProgressValue) -> Bool { one.tenths < other.tenths }
}

/// The form in which a title is owned, as far as the other side has terms for it.
package struct CollectedValue: SyncStorable {
    package let details: CollectionDetails

    /// Trakt's terms; a term from anywhere else is not one of them.
    private static let words: [String: Set<String>] = [
        "media_type": ["digital", "bluray", "hddvd", "dvd", "vcd", "vhs", "betamax", "laserdisc"],
        "resolution": [
            "uhd_4k", "hd_1080p", "hd_1080i", "hd_720p", "sd_480p", "sd_480i", "sd_576p", "sd_576i",
        ],
        "hdr": ["dolby_vision", "hdr10", "hdr10_plus", "hlg"],
        "audio": [
            "dolby_digital", "dolby_digital_plus", "dolby_digital_plus_atmos", "dolby_truehd", "dolby_atmos",
            "dolby_prologic", "dts", "dts_ma", "dts_hr", "dts_x", "auro_3d", "mp3", "mp2", "aac", "lpcm", "ogg",
            "ogg_opus", "wma", "flac",
        ],
        "audio_channels": [
            "1.0", "2.0", "2.1", "3.0", "3.1", "4.0", "4.1", "5.0", "5.1", "5.1.2", "5.1.4", "6.1", "7.1", "7.1.2",
            "7.1.4", "9.1", "10.1",
        ],
    ]
    private static let plain = "collected"

    /// Creates the part that can be sent there. Not being 3D is taken for granted.
    package init(_ details: CollectionDetails) {
        func word(_ name: String, _ value: String?) -> String? {
            value.flatMap { Self.words[name]?.contains($0) == true ? $0 : nil }
        }
        self.details = CollectionDetails(
            mediaType: word("media_type", details.mediaType), resolution: word("resolution", details.resolution),
            hdr: word("hdr", details.hdr), audio: word("audio", details.audio),
            audioChannels: word("audio_channels", details.audioChannels), is3D: details.is3D == true ? true : nil)
    }

    package init?(stored text: String) {
        guard text != Self.plain else {
            self.init(CollectionDetails())
            return
        }
        var parts: [Substring: String] = [:]
        for part in text.split(separator: " ") {
            guard let sign = part.firstIndex(of: "=") else { return nil }
            parts[part[..<sign]] = String(part[part.index(after: sign)...])
        }
        self.init(
            CollectionDetails(
                mediaType: parts["media_type"], resolution: parts["resolution"], hdr: parts["hdr"],
                audio: parts["audio"], audioChannels: parts["audio_channels"], is3D: parts["3d"] == "true"))
    }

    package var stored: String {
        let parts = members.map { "\($0.name)=\($0.text)" }
        return parts.isEmpty ? Self.plain : parts.joined(separator: " ")
    }

    /// The values, under Trakt's names.
    package var members: [(name: String, text: String)] {
        let all = [
            ("media_type", details.mediaType), ("resolution", details.resolution), ("hdr", details.hdr),
            ("audio", details.audio), ("audio_channels", details.audioChannels),
            ("3d", details.is3D == true ? "true" : nil),
        ]
        return all.compactMap { name, text in text.map { (name, $0) } }
    }

    /// Returns the details to store here when this is taken over: what the other side has no terms for stays as it was.
    package func merged(over ours: CollectionDetails?) -> CollectionDetails {
        guard let ours else { return details }
        let told = CollectedValue(ours).details
        func kept(_ new: String?, _ old: String?, _ told: String?) -> String? { new ?? (told == nil ? old : nil) }
        return CollectionDetails(
            mediaType: kept(details.mediaType, ours.mediaType, told.mediaType),
            resolution: kept(details.resolution, ours.resolution, told.resolution),
            hdr: kept(details.hdr, ours.hdr, told.hdr), audio: kept(details.audio, ours.audio, told.audio),
            audioChannels: kept(details.audioChannels, ours.audioChannels, told.audioChannels),
            is3D: details.is3D ?? (ours.is3D == false ? false : nil))
    }

    package static func < (one: CollectedValue, other: CollectedValue) -> Bool { one.stored < other.stored }
}
