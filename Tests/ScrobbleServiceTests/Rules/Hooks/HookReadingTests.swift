import Contracts
import Foundation
import Testing

@testable import ScrobbleService

/// What media servers send, in their own formats.
@Suite struct HookReadingTests {
    private static let fixtures = ProcessInfo.processInfo.environment["REELAY_FIXTURES"]

    private static func read(_ text: String) -> HookReading? { HookReading(Array(text.utf8)) }

    private static func event(_ text: String) throws -> MediaEvent {
        guard case .event(let event) = try #require(read(text)).content else {
            throw CocoaError(.coderValueNotFound)
        }
        return event
    }

    /// Returns a member of a recorded file, or all of it, as text.
    private static func recorded(_ file: String, _ member: String? = nil) throws -> String {
        let url = URL(fileURLWithPath: try #require(fixtures)).appendingPathComponent("webhooks/\(file)")
        let json = try JSONSerialization.jsonObject(with: Data(contentsOf: url))
        var value: Any = json
        if let list = json as? [[String: Any]] { value = try #require(list.first) }
        if let member { value = try #require((value as? [String: Any])?[member]) }
        return String(decoding: try JSONSerialization.data(withJSONObject: value), as: UTF8.self)
    }

    @Test("Recorded: Plex counts a film as watched", .enabled(if: fixtures != nil, "REELAY_FIXTURES is not set"))
    func plexScrobble() throws {
        let reading = try #require(Self.read(try Self.recorded("movary_plex-scrobble.json")))
        #expect(reading.sender == .plex)
        #expect(reading.account == .init(key: "1", name: "title"))
        #expect(reading.server?.id == "27a04b118b1bf1f25f8e99306785453623e18b67")
        #expect(reading.summary == "Big Trouble in Little China (1986)")
        guard case .event(let event) = reading.content else { throw CocoaError(.coderValueNotFound) }
        #expect(event.kind == .scrobble)
        #expect(event.item.ids == ExternalIds(imdb: "tt0090728", tmdb: 6_978, tvdb: 1_876))
        #expect(event.length == .seconds(5_940))
        #expect(event.position == nil)
        #expect(event.player == "f34345234ef4523423432-com-plexapp-android")
        // Plex sends no time: the same text is the same scrobble for a few minutes, and another viewing after that.
        #expect(reading.fingerprintSalts(receivedAt: Timestamp(clampingMicrosecondsSinceEpoch: 1)) == ["0", "-1"])
    }

    @Test("Recorded: a rating in Plex is no play", .enabled(if: fixtures != nil, "REELAY_FIXTURES is not set"))
    func plexRating() throws {
        let reading = try #require(Self.read(try Self.recorded("movary_plex-rate.json")))
        #expect(reading.content == .ignored("ratings are not taken from media servers"))
    }

    @Test(
        "Recorded: Jellyfin says 'to completion' at a fourteenth",
        .enabled(if: fixtures != nil, "REELAY_FIXTURES is not set"))
    func jellyfinStop() throws {
        let reading = try #require(Self.read(try Self.recorded("movary_jellyfin-scrobble.json")))
        #expect(reading.sender == .jellyfin)
        #expect(reading.account == .init(key: "50e1109a03fd4e13a3a5dd9bb27e08ec", name: "jellyfin"))
        guard case .event(let event) = reading.content else { throw CocoaError(.coderValueNotFound) }
        #expect(event.kind == .stop)
        #expect(!event.isCompleted, "the position is known, and says otherwise")
        #expect(abs(try #require(event.progressPercent(runtime: nil)) - 7.08) < 0.01)
        #expect(event.at == Timestamp("2023-01-04T06:36:12.853591Z"))
        #expect(event.item.ids == ExternalIds(imdb: "tt9764362", tmdb: 593_643))
        #expect(reading.summary == "The Menu (2022)")
    }

    @Test("Recorded: Emby stops early", .enabled(if: fixtures != nil, "REELAY_FIXTURES is not set"))
    func embyStop() throws {
        let reading = try #require(Self.read(try Self.recorded("movary_emby-scrobble.json")))
        #expect(reading.sender == .emby)
        #expect(reading.server == .init(id: "b331a858360e4cbebd2b3d5a02fbabef", name: "test-pc"))
        guard case .event(let event) = reading.content else { throw CocoaError(.coderValueNotFound) }
        #expect(event.kind == .stop)
        #expect(abs(try #require(event.progressPercent(runtime: nil)) - 7.47) < 0.01)
        #expect(event.item.ids == ExternalIds(imdb: "tt0322259", tmdb: 584, tvdb: 20_800))
        #expect(event.at == Timestamp("2023-05-07T15:29:57.513192Z"))
    }

    @Test("Recorded: music, and what is no hook at all", .enabled(if: fixtures != nil, "REELAY_FIXTURES is not set"))
    func others() throws {
        let music = try #require(Self.read(try Self.recorded("multiscrobbler_jellyfin_playbackProgress.json", "data")))
        #expect(music.content == .ignored("neither a film nor an episode"))
        #expect(music.account?.name == "Tabitha")
        let flat = try #require(Self.read(try Self.recorded("watchstate_mediabrowser_data.json", "webhook_jellyfin")))
        guard case .event(let stop) = flat.content else { throw CocoaError(.coderValueNotFound) }
        // Ids in lower case; a malformed one is left out.
        #expect(stop.item.ids == ExternalIds(tmdb: 123))
        #expect(stop.position == .seconds(80))
        let mark = try #require(Self.read(try Self.recorded("watchstate_mediabrowser_data.json", "webhook_emby")))
        guard case .event(let marked) = mark.content else { throw CocoaError(.coderValueNotFound) }
        #expect(marked.kind == .markPlayed)
        for (file, member) in [
            ("multiscrobbler_jellyfin_session.json", nil), ("multiscrobbler_plex_session.json", nil),
            ("plextraktsync_events.json", nil), ("plextraktsync_events-played.json", nil),
            ("watchstate_plex_data.json", nil), ("watchstate_mediabrowser_data.json", nil),
        ] as [(String, String?)] {
            #expect(Self.read(try Self.recorded(file, member)) == nil, "\(file)")
        }
    }

    @Test(
        "Every member of every recorded hook may be missing, or be of another type",
        .enabled(if: fixtures != nil, "REELAY_FIXTURES is not set"))
    func damaged() throws {
        for (file, member) in [
            ("movary_plex-scrobble.json", nil), ("movary_jellyfin-scrobble.json", nil),
            ("movary_emby-scrobble.json", nil), ("watchstate_mediabrowser_data.json", "webhook_jellyfin"),
            ("watchstate_mediabrowser_data.json", "webhook_emby"),
        ] as [(String, String?)] {
            let text = try Self.recorded(file, member)
            let whole = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
            for value in [nil, NSNull(), "", -1, 1e300, [1], ["a": 1], true] as [Any?] {
                for path in Self.paths(whole) {
                    let changed = Self.changed(whole, path[...], to: value)
                    let data = try JSONSerialization.data(withJSONObject: changed)
                    // The result does not matter, as long as reading returns.
                    _ = HookReading(Array(data))
                }
            }
        }
    }

    private static func paths(_ value: [String: Any]) -> [[String]] {
        value.flatMap { key, child in [[key]] + paths(child as? [String: Any] ?? [:]).map { [key] + $0 } }
    }

    private static func changed(_ value: [String: Any], _ path: ArraySlice<String>, to new: Any?) -> [String: Any] {
        guard let key = path.first else { return value }
        var result = value
        if path.count == 1 {
            result[key] = new
        } else {
            result[key] = changed(value[key] as? [String: Any] ?? [:], path.dropFirst(), to: new)
        }
        return result
    }

    @Test("Plex names episodes by their own ids, or with older agents by their series")
    func plexEpisodes() throws {
        let new = try Self.event(
            #"{"event":"media.play","Account":{"id":7,"title":"bo"},"Metadata":{"type":"episode","ratingKey":"9","guid":"plex://episode/5d","Guid":[{"id":"tvdb://301"},{"id":"imdb://tt1480055"}],"grandparentTitle":"Saltmarsh","parentIndex":1,"index":2,"duration":3120000,"viewOffset":312000}}"#
        )
        #expect(new.item.ids == ExternalIds(imdb: "tt1480055", tvdb: 301))
        #expect(new.item.series == .init(name: "Saltmarsh"))
        #expect((new.item.season, new.item.episodes).0 == 1 && new.item.episodes == [2])
        #expect(new.progressPercent(runtime: nil) == 10)
        let old = try Self.event(
            #"{"event":"media.stop","Account":{"id":7},"Metadata":{"type":"episode","ratingKey":"9","guid":"com.plexapp.agents.thetvdb://81189/1/3?lang=en","title":"x"}}"#
        )
        #expect(old.item.ids == ExternalIds())
        #expect(old.item.series.ids == ExternalIds(tvdb: 81_189))
        #expect(old.item.season == 1 && old.item.episodes == [3])
        let hama = try Self.event(
            #"{"event":"media.stop","Metadata":{"type":"episode","ratingKey":"9","guid":"com.plexapp.agents.hama://anidb-1234/1/3","parentIndex":0,"index":4}}"#
        )
        #expect(hama.item.series.ids == ExternalIds(anidb: 1_234))
        #expect(hama.item.season == 0 && hama.item.episodes == [4], "what the server says counts")
        let film = try Self.event(
            #"{"event":"media.resume","Metadata":{"type":"movie","ratingKey":"1","guid":"com.plexapp.agents.themoviedb://603?lang=en","title":"x"}}"#
        )
        #expect(film.item.ids == ExternalIds(tmdb: 603))
    }

    @Test("What is no film and no episode, and what nobody watches, is left out")
    func leftOut() throws {
        let cases = [
            (#"{"event":"media.play","Metadata":{"type":"track","ratingKey":"1"}}"#, "neither a film nor an episode"),
            (#"{"event":"media.play","Metadata":{"type":"movie","ratingKey":"1","live":"1"}}"#, "live television"),
            (
                #"{"event":"library.new","Metadata":{"type":"movie","ratingKey":"1"}}"#,
                "is about the server, not about what is watched"
            ),
            (
                #"{"NotificationType":"UserDataSaved","SaveReason":"PlaybackFinished","Played":true,"ItemType":"Movie","ItemId":"1"}"#,
                "not a mark that a person set"
            ),
            (#"{"Event":"item.rate","Item":{"Type":"Movie","Id":"1"}}"#, "ratings are not taken from media servers"),
            (#"{"event":"dance","kind":"movie","title":"x"}"#, "no event has this name"),
            (#"{"event":"stop","title":"x"}"#, "names neither a film nor an episode"),
        ]
        for (text, reason) in cases { #expect(try #require(Self.read(text)).content == .ignored(reason), "\(text)") }
        for text in ["", "[]", "{}", "7", "{\"a\":1}", "nonsense", "{\"event\":7,}"] {
            #expect(Self.read(text) == nil, "\(text)")
        }
    }

    @Test("A file of several episodes names all of them")
    func severalEpisodes() throws {
        let jellyfin = try Self.event(
            #"{"NotificationType":"PlaybackStop","ItemType":"Episode","ItemId":"e","SeriesName":"Saltmarsh","SeriesPremiereDate":"2019-02-03","SeasonNumber":"1","EpisodeNumber":1,"EpisodeNumberEnd":"2","RunTimeTicks":"62400000000","PlaybackPositionTicks":"62000000000","UtcTimestamp":"2026-11-01T20:00:00.1234567Z"}"#
        )
        #expect(jellyfin.item.episodes == [1, 2])
        #expect(jellyfin.item.series == .init(name: "Saltmarsh", year: 2019))
        #expect(jellyfin.item.summary == "Saltmarsh S01E01E02")
        let emby = try Self.event(
            #"{"Event":"playback.stop","Item":{"Type":"Episode","Id":"e","SeriesName":"S","ParentIndexNumber":2,"IndexNumber":3,"IndexNumberEnd":5,"ProviderIds":{"IMDB":"tt0000001","tvDB":"12"}}}"#
        )
        #expect(emby.item.episodes == [3, 4, 5])
        #expect(emby.item.ids == ExternalIds(imdb: "tt0000001", tvdb: 12))
        let ours = try Self.event(
            #"{"event":"stop","kind":"episode","series":{"title":"S","ids":{"tvdb":"5"}},"season":1,"episode":7,"episode_end":9999,"position_seconds":1.5,"duration_seconds":3}"#
        )
        #expect(ours.item.episodes == [7], "no file holds ten thousand")
        #expect(ours.item.series.ids == ExternalIds(tvdb: 5))
        #expect(ours.progressPercent(runtime: nil) == 50)
    }

    @Test("Jellyfin writes 0 for a place and a length that it does not know: watched to the end all the same")
    func jellyfinZeros() throws {
        func stop(_ completed: Bool, position: Int, length: Int) throws -> PlayerWord {
            let event = try Self.event(
                #"{"NotificationType":"PlaybackStop","ItemType":"Movie","ItemId":"m","Name":"x","RunTimeTicks":\#(length),"RunTime":"00:00:00","PlaybackPositionTicks":\#(position),"PlaybackPosition":"00:00:00","PlayedToCompletion":\#(completed),"UtcTimestamp":"2026-11-01T20:00:00.1234567Z"}"#
            )
            let at = try #require(event.at)
            return PlayerWord(event, receivedAt: at, heardAt: at, runtime: .seconds(6_000))
        }
        let silent = try stop(true, position: 0, length: 60_000_000_000)
        #expect(SittingMove.of(silent, nil) == .log(progressPercent: SittingMove.completedPercent))
        let early = try stop(false, position: 0, length: 60_000_000_000)
        #expect(early.progressPercent == 0 && !early.isCompleted, "stopped at the beginning")
        // A file whose length Jellyfin has not read: the runtime from metadata counts.
        let unread = try stop(true, position: 57_000_000_000, length: 0)
        #expect(abs(try #require(unread.progressPercent) - 95) < 0.01 && unread.runtime == .seconds(6_000))
    }

    @Test("A server that gives its words a time may say the same again at another one")
    func fingerprints() throws {
        let (one, other) = (
            Timestamp(clampingMicrosecondsSinceEpoch: 0), Timestamp(clampingMicrosecondsSinceEpoch: 60_000_000)
        )
        let pause = try #require(
            Self.read(#"{"event":"media.pause","Metadata":{"type":"movie","ratingKey":"1","title":"x"}}"#))
        #expect(pause.fingerprintSalts(receivedAt: one) != pause.fingerprintSalts(receivedAt: other))
        let told = try #require(
            Self.read(
                #"{"Event":"playback.pause","Date":"2026-11-01T20:00:00Z","Item":{"Type":"Movie","Id":"1","Name":"x"}}"#
            ))
        #expect(told.fingerprintSalts(receivedAt: one) == told.fingerprintSalts(receivedAt: other))
    }

    @Test("A word without a time is of now: the same is meant again a while later, and one that is sent twice is one")
    func undated() throws {
        // Plex events carry no time: a film watched again may end at the very same position.
        for event in ["stop", "scrobble", "mark_played", "mark_unplayed", "media.stop", "media.scrobble"] {
            let text =
                event.hasPrefix("media.")
                ? #"{"event":"\#(event)","Metadata":{"type":"movie","ratingKey":"1","title":"x","viewOffset":9}}"#
                : #"{"event":"\#(event)","kind":"movie","title":"x","completed":true}"#
            let reading = try #require(Self.read(text))
            func salts(_ seconds: Int64) -> [String] {
                reading.fingerprintSalts(
                    receivedAt: Timestamp(clampingMicrosecondsSinceEpoch: 1_780_000_000_000_000 + seconds * 1_000_000))
            }
            func isRepeated(after seconds: Int64, from start: Int64) -> Bool {
                salts(start + seconds).contains { $0 == salts(start).first }
            }
            for start in stride(from: Int64(0), to: 300, by: 7) {
                #expect(isRepeated(after: 1, from: start) && isRepeated(after: 300, from: start), "\(event) \(start)")
                #expect(
                    !isRepeated(after: 600, from: start) && !isRepeated(after: 86_400, from: start), "\(event) \(start)"
                )
            }
            guard reading.sender == .events else { continue }
            let dated = try #require(
                Self.read(
                    #"{"event":"\#(event)","kind":"movie","title":"x","occurred_at":"2026-11-01T20:00:00Z"}"#))
            #expect(dated.fingerprintSalts(receivedAt: Timestamp(clampingMicrosecondsSinceEpoch: 1)) == [""])
        }
    }

    @Test("The same word is meant again where what it told of was over in between")
    func meantAgain() throws {
        func reading(_ event: String, at: String? = nil) throws -> HookReading {
            let at = at.map { #""occurred_at":"\#($0)","# } ?? ""
            return try #require(Self.read(#"{"event":"\#(event)",\#(at)"kind":"movie","title":"x"}"#))
        }
        let cases: [(word: String, between: String, isMeant: Bool)] = [
            ("pause", "resume", true), ("pause", "play", true), ("pause", "pause", false), ("resume", "pause", true),
            ("play", "stop", true), ("play", "scrobble", false), ("stop", "play", true), ("stop", "stop", false),
            ("stop", "scrobble", false), ("scrobble", "play", false), ("progress", "pause", false),
            ("mark_played", "mark_unplayed", true), ("mark_unplayed", "mark_played", true),
            ("mark_played", "mark_played", false), ("mark_played", "stop", false),
        ]
        for (word, between, isMeant) in cases {
            #expect(try reading(word).isMeantAgain(after: reading(between)) == isMeant, "\(word) after \(between)")
            let dated = try reading(word, at: "2026-11-01T20:00:00Z")
            #expect(try !dated.isMeantAgain(after: reading(between)), "\(word) of a time after \(between)")
        }
    }
}
