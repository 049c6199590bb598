import Contracts
import Cryptography
import Foundation
import JSON
import Testing

@testable import ScrobbleService

/// What Simkl's answers mean, and what is sent to it.
@Suite struct SimklTests {
    private func answer(_ status: Int, _ body: String = "", html: Bool = false) -> SimklAnswer {
        SimklAnswer(status: status, isHTML: html, body: Array(body.utf8))
    }

    private static let now = Timestamp("2026-11-01T12:00:00Z")

    @Test("Every documented answer leads to what it asks for; the code counts in either case")
    func replies() {
        let table: [(Int, String, Bool, JobReply)] = [
            (201, "{}", false, .delivered), (200, "<html>", true, .notTaken("Simkl answered with a web page")),
            (
                400, #"{"error":"RATE_LIMIT","code":400}"#, false,
                .wait(.seconds(20), "Simkl is busy with another write (RATE_LIMIT)")
            ),
            (
                400, #"{"error":"rate_limit","code":400}"#, false,
                .wait(.seconds(20), "Simkl is busy with another write (RATE_LIMIT)")
            ),
            (400, #"{"error":"empty_field","code":400}"#, false, .refused("Simkl refused it (400 empty_field)")),
            (401, #"{"error":"user_token_failed"}"#, false, .askUser(.needsReauth)),
            (403, "{}", false, .askUser(.needsReauth)),
            (403, "<html>", true, .wait(.seconds(900), "Simkl refused access (403)")),
            (404, #"{"error":"id_err"}"#, false, .refused("Simkl does not know the title (404)")),
            (404, "", false, .refused("Simkl does not know the title (404)")),
            (409, #"{"watched_at":"2026-05-01T10:00:00Z","expires_at":"2026-05-01T11:00:00Z"}"#, false, .alreadyThere),
            (
                412, #"{"error":"client_id_failed"}"#, false,
                .wait(.seconds(600), "Simkl does not accept the client id at the moment (412)")
            ),
            (429, #"{"error":"rate_limit"}"#, false, .wait(.seconds(10), "too many requests (429)")),
            (500, "", false, .notTaken("Simkl is having problems (500)")),
            (503, "", true, .notTaken("Simkl is having problems (503)")),
        ]
        for (status, body, html, reply) in table {
            #expect(answer(status, body, html: html).reply == reply, "\(status) \(body)")
        }
    }

    @Test("A list that is too long is asked for in parts, as far as there are any; no other mistake is taken for that")
    func parts() {
        #expect(answer(400, #"{"error":"MAX_ITEMS","code":400}"#).isTooLong && answer(413).isTooLong)
        for error in ["rate_limit", "wrong_parameter", "empty_field"] {
            #expect(!answer(400, #"{"error":"\#(error)","code":400}"#).isTooLong)
        }
        #expect(!answer(404, #"{"error":"max_items"}"#).isTooLong)
        #expect(
            SimklPart.whole.parts.map(\.path) == [
                "sync/all-items/shows", "sync/all-items/anime", "sync/all-items/movies",
            ])
        let films = SimklPart.group("movies").parts
        #expect(films.map(\.list) == ["plantowatch", "dropped", "completed"])
        #expect(films[0].path == "sync/all-items/movies/plantowatch" && films.allSatisfy(\.parts.isEmpty))
        #expect(
            Set(SimklPart.group("anime").parts.map(\.list)) == [
                "plantowatch", "watching", "hold", "dropped", "completed",
            ])
    }

    @Test("A code's answer is always 200: pending, too fast, a token, or a new code in place of one that is gone")
    func pins() throws {
        let now = try #require(Self.now)
        func reply(_ body: String) -> SimklPINReply { SimklPINReply(answer(200, body), now: now) }
        #expect(reply(#"{"result":"KO","message":"Authorization pending"}"#) == .pending)
        #expect(reply(#"{"result":"KO","message":"Slow down"}"#) == .slowDown)
        #expect(
            reply(#"{"result":"OK","device_code":"DEVICE_CODE","user_code":"ABCDE","expires_in":900,"interval":5}"#)
                == .gone)
        // Whatever `result` says.
        #expect(reply(#"{"result":"OK"}"#) == .pending)
        guard case .granted(let tokens) = reply(#"{"result":"OK","access_token":"t"}"#) else {
            Issue.record("a token is a token")
            return
        }
        #expect(tokens.refresh == nil && now.duration(to: tokens.expiresAt) == .seconds(157_680_000))
        guard
            case .granted(let pair) = reply(
                #"{"access_token":"t","refresh_token":"r","expires_in":604800,"token_type":"bearer"}"#)
        else {
            Issue.record("a pair of tokens is one too")
            return
        }
        #expect(pair.refresh == Secret("r") && now.duration(to: pair.expiresAt) == .seconds(604_800))
        #expect(SimklPINReply(answer(200, "<html>", html: true), now: now) == .unreachable)
        #expect(SimklPINReply(answer(412, "{}"), now: now) == .clientRefused)
        #expect(SimklPINReply(answer(502, ""), now: now) == .unreachable)
        let pin = SimklPIN(
            try #require(
                answer(
                    200,
                    #"{"user_code":"5G6JAH","verification_url":"https://simkl.com/pin","expires_in":900,"interval":5}"#
                ).json))
        #expect(pin?.verificationURL == "https://simkl.com/pin/5G6JAH" && pin?.interval == .seconds(5))
        #expect(
            SimklPIN(
                try #require(answer(200, #"{"user_code":"../x","verification_url":"https://simkl.com/pin"}"#).json))
                == nil)
    }

    @Test("A renewal keeps the token that it was made by; a dead one and a strange client are told apart")
    func renewals() throws {
        let now = try #require(Self.now)
        func reply(_ status: Int, _ body: String) -> TokenReply {
            TokenReply(simkl: answer(status, body), keeping: Secret("old"), now: now)
        }
        guard case .granted(let same) = reply(200, #"{"access_token":"a","expires_in":604800}"#) else {
            Issue.record("granted")
            return
        }
        #expect(same.refresh == Secret("old"))
        #expect(reply(400, #"{"error":"invalid_grant"}"#) == .invalidGrant)
        #expect(reply(401, #"{"error":"invalid_client"}"#) == .clientRefused)
        #expect(reply(500, "") == .unknown)
    }

    private func job(
        _ action: JobAction, _ kind: TitleKind, _ payload: JobPayload = JobPayload()
    ) -> QueueJob {
        QueueJob(
            id: UUIDBits(high: 1, low: 1), position: 0, kind: kind, title: TitleID(UUIDBits(high: 1, low: 1)),
            action: action, payload: payload,
            state: JobState(
                action: action, status: .pending, retryCount: 1, sends: 1, looks: 0, unsettled: 1, age: .zero,
                sinceSent: .zero))
    }

    private func text(_ call: SimklCall?) -> String {
        call.map { "\($0.path) \(String(decoding: encodeJSON($0.body), as: UTF8.self))" } ?? "nothing"
    }

    @Test("Bodies are as the documentation has them: films by ids, episodes below their show, one list for each kind")
    func calls() throws {
        let film = TitleQuery(kind: .movie, ids: ExternalIds(imdb: "tt1", tmdb: 2, simkl: 3), name: "F", year: 1999)
        func episode(_ number: Int) -> TitleQuery {
            TitleQuery(
                kind: .episode, ids: ExternalIds(), seriesIds: ExternalIds(tvdb: 5), seriesName: "S", seriesYear: 2001,
                seasonNumber: 1, episodeNumber: number)
        }
        let at = try #require(Timestamp("2026-05-15T22:30:00.5Z"))
        let plays: [SimklCalls.Named] = [
            (job(.addPlay, .movie, JobPayload(watchedAt: at)), film), (job(.addPlay, .movie), film),
            (job(.addPlay, .episode, JobPayload(watchedAt: at)), episode(2)), (job(.addPlay, .episode), episode(3)),
        ]
        #expect(
            text(SimklCalls.call(.addPlay, plays, isLate: false))
                == #"sync/history {"movies":[{"title":"F","year":1999,"ids":{"simkl":3,"imdb":"tt1","tmdb":2},"watched_at":"2026-05-15T22:30:00Z"},{"title":"F","year":1999,"ids":{"simkl":3,"imdb":"tt1","tmdb":2},"watched_at":"1970-01-01T00:00:01Z"}],"shows":[{"title":"S","year":2001,"ids":{"tvdb":5},"use_tvdb_anime_seasons":true,"seasons":[{"number":1,"episodes":[{"number":2,"watched_at":"2026-05-15T22:30:00Z"},{"number":3,"watched_at":"1970-01-01T00:00:01Z"}]}]}]}"#
        )
        #expect(
            text(
                SimklCalls.call(
                    .stop, [(job(.stop, .episode, JobPayload(progressPercent: 91.237)), episode(2))], isLate: false))
                == #"scrobble/stop {"progress":91.24,"show":{"title":"S","year":2001,"ids":{"tvdb":5}},"episode":{"season":1,"number":2}}"#
        )
        #expect(
            text(
                SimklCalls.call(
                    .checkIn, [(job(.checkIn, .movie, JobPayload(progressPercent: 0)), film)], isLate: false))
                == #"scrobble/checkin {"movie":{"title":"F","year":1999,"ids":{"simkl":3,"imdb":"tt1","tmdb":2}}}"#)
        // Never so far that it would be counted as watched.
        for (told, sent) in [(0.0, "0"), (42.125, "42.13"), (97, "79.99")] {
            let named = (job(.checkOut, .episode, JobPayload(progressPercent: told)), episode(2))
            #expect(
                text(SimklCalls.call(.checkOut, [named], isLate: false)).hasPrefix(
                    #"scrobble/stop {"progress":\#(sent),"#))
        }
        #expect(
            text(SimklCalls.call(.stop, [(job(.stop, .movie, JobPayload(watchedAt: at)), film)], isLate: true))
                .hasPrefix("sync/history"))
        #expect(
            text(SimklCalls.call(.rate, [(job(.rate, .movie, JobPayload(rating: 9)), film)], isLate: false))
                == #"sync/ratings {"movies":[{"title":"F","year":1999,"ids":{"simkl":3,"imdb":"tt1","tmdb":2},"rating":9}]}"#
        )
        #expect(
            text(SimklCalls.call(.addToWatchlist, [(job(.addToWatchlist, .movie), film)], isLate: false)).contains(
                #""to":"plantowatch""#))
        #expect(
            text(
                SimklCalls.call(
                    .addToWatchlist, [(job(.addToWatchlist, .movie, JobPayload(status: .dropped)), film)],
                    isLate: false)
            ).contains(#""to":"dropped""#))
        #expect(
            text(SimklCalls.moving([((job(.removeFromWatchlist, .movie), film), "completed", "2020-01-01T00:00:00Z")]))
                == #"sync/add-to-list {"movies":[{"title":"F","year":1999,"ids":{"simkl":3,"imdb":"tt1","tmdb":2},"to":"completed","watched_at":"2020-01-01T00:00:00Z"}]}"#
        )
        // Nothing that would delete a rating as well, and nothing that Simkl has no place for.
        for (action, kind) in [
            (JobAction.removePlay, TitleKind.movie), (.removeFromWatchlist, .episode), (.addToCollection, .movie),
            (.rate, .episode), (.rate, .season), (.addPlay, .series), (.addToWatchlist, .episode),
        ] { #expect(SimklCalls.refusal(action, kind) != nil, "\(action) \(kind)") }
        for (action, kind) in [
            (JobAction.removePlay, TitleKind.episode), (.unrate, .series), (.addPlay, .episode), (.start, .movie),
        ] { #expect(SimklCalls.refusal(action, kind) == nil, "\(action) \(kind)") }
    }

    @Test("What became of a write is an object without a mistake in it; nothing else says that it arrived")
    func outcomes() {
        for body in ["", "null", "[]", "true", #"{"added":{"mov"#, "<html>", #"{"error":"x"}"#] {
            #expect(answer(201, body).outcome == nil, "\(body)")
        }
        #expect(answer(201, #"{"added":{"movies":1},"not_found":{"movies":[]}}"#).outcome != nil)
    }

    @Test("What is not found is known again by any id, as a number or a text, and an episode by its place")
    func unknown() throws {
        func isUnknown(_ title: TitleQuery, _ missing: String) throws -> Bool {
            SimklCalls.isUnknown(title, in: try #require(answer(201, #"{"not_found":\#(missing)}"#).json))
        }
        let film = TitleQuery(kind: .movie, ids: ExternalIds(imdb: "tt1", tmdb: 603), name: "F", year: 1999)
        for (missing, expected) in [
            (#"{"movies":[{"ids":{"tmdb":"603"}}]}"#, true), (#"{"movies":[{"ids":{"tmdb":603}}]}"#, true),
            (#"{"movies":[{"ids":{"tmdb":"604","imdb":"tt1"}}]}"#, true),
            (#"{"movies":[{"ids":{"tmdb":"604"}}]}"#, false), (#"{"movies":[{"ids":{"tvdb":"603"}}]}"#, false),
            (#"{"shows":[{"ids":{"tmdb":"603"}}],"movies":[]}"#, false),
            (#"{"movies":[{"title":"F","year":"1999"}]}"#, true), (#"{"movies":[{"title":"F","year":2000}]}"#, false),
            ("null", false), (#"{"movies":null}"#, false),
        ] { #expect(try isUnknown(film, missing) == expected, "\(missing)") }
        let numbered = TitleQuery(kind: .movie, ids: ExternalIds(tmdb: 603, simkl: 7), name: "F")
        #expect(try !isUnknown(numbered, #"{"movies":[{"ids":{"simkl":"8","tmdb":603}}]}"#), "its own number counts")
        let bare = TitleQuery(kind: .movie, ids: ExternalIds(), name: "G")
        #expect(try !isUnknown(bare, #"{"movies":[{"title":"F","ids":{}}]}"#), "two names without ids are two films")
        let episode = TitleQuery(
            kind: .episode, ids: ExternalIds(), seriesIds: ExternalIds(tvdb: 5), seriesName: "S", seasonNumber: 1,
            episodeNumber: 2)
        for (missing, expected) in [
            (#"{"shows":[{"ids":{"tvdb":"5"}}]}"#, true),
            (#"{"shows":[{"ids":{"tvdb":5},"seasons":[{"number":1,"episodes":[{"number":3}]}]}]}"#, false),
            (#"{"episodes":[{"ids":{"tvdb":5},"seasons":[{"number":"1","episodes":[{"number":"2"}]}]}]}"#, true),
            (#"{"episodes":[{"ids":{"tvdb":5},"seasons":[{"number":2,"episodes":[{"number":2}]}]}]}"#, false),
            (#"{"episodes":[{"ids":{"tvdb":5},"seasons":[{"number":1}]}]}"#, true),
            (#"{"episodes":[{"show":{"ids":{"tvdb":5}},"episode":{"season":1,"number":2}}]}"#, true),
            (#"{"episodes":[{"show":{"ids":{"tvdb":5}},"episode":{"season":1,"number":4}}]}"#, false),
            (#"{"episodes":[{"ids":{"tvdb":"5"},"season":1,"episode":2}]}"#, true),
            (#"{"episodes":[{"ids":{"tvdb":"6"},"season":1,"episode":2}]}"#, false),
        ] { #expect(try isUnknown(episode, missing) == expected, "\(missing)") }
        let show = TitleQuery(kind: .series, ids: ExternalIds(tvdb: 5), name: "S")
        #expect(try !isUnknown(show, #"{"episodes":[{"ids":{"tvdb":5},"season":1,"episode":2}]}"#))
    }

    @Test(
        "Every recorded answer is read",
        .enabled(if: ProcessInfo.processInfo.environment["REELAY_FIXTURES"] != nil, "REELAY_FIXTURES is not set"))
    func recordings() throws {
        let root = URL(filePath: try #require(ProcessInfo.processInfo.environment["REELAY_FIXTURES"]))
            .appending(path: "simkl")
        var read = 0
        for case let name as String in FileManager.default.enumerator(atPath: root.path) ?? .init()
        where name.hasSuffix(".json") {
            let bytes = Array(try Data(contentsOf: root.appending(path: name)))
            guard let value = SimklAnswer(status: 200, body: bytes).json else { continue }
            read += 1
            if name.contains("pin"), value["user_code"].string != nil { #expect(SimklPIN(value) != nil, "\(name)") }
            if value["access_token"].string != nil, let now = Self.now {
                #expect(AccountTokens(simkl: value, receivedAt: now) != nil, "\(name)")
            }
        }
        #expect(read > 20)
    }
}
