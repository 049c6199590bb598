import Contracts
import Foundation
import JSON
import Testing

@testable import ScrobbleService

@Suite struct TraktAnswersTests {
    private static let now = Timestamp("2026-11-01T20:00:00Z") ?? Timestamp(clampingMicrosecondsSinceEpoch: 0)

    private static func answer(
        _ status: Int, html: Bool = false, retryAfter: String? = nil, rateLimit: String? = nil
    ) -> TraktAnswer {
        TraktAnswer(status: status, isHTML: html, retryAfter: retryAfter, rateLimit: rateLimit, body: [])
    }

    @Test("Each status means one thing for a job")
    func table() {
        for status in [200, 201, 204] { #expect(Self.answer(status).reply(now: Self.now) == .delivered) }
        #expect(
            Self.answer(200, html: true).reply(now: Self.now)
                == .ambiguous("a web page came in place of Trakt's answer"))
        #expect(Self.answer(409).reply(now: Self.now) == .alreadyThere)
        let told = TraktAnswer(
            status: 409, isHTML: false, retryAfter: nil, rateLimit: nil,
            body: Array(#"{"watched_at":"2026-11-01T20:31:00.000Z","expires_at":"2026-11-01T22:00:00.000Z"}"#.utf8))
        #expect(
            told.reply(now: Self.now) == Timestamp("2026-11-01T20:31:00.000Z").map { JobReply.alreadyPlayed($0) })
        #expect(Self.answer(401).reply(now: Self.now) == .askUser(.needsReauth))
        #expect(Self.answer(403).reply(now: Self.now) == .askUser(.apiKeyRejected))
        #expect(Self.answer(403, html: true).reply(now: Self.now) == .wait(.seconds(900), "Trakt refused access (403)"))
        #expect(Self.answer(420).reply(now: Self.now) == .barred(.accountLimit))
        // Previously, a temporary redirect made every job sent in the meantime be given up.
        for status in [301, 302, 307, 308, 408, 425] {
            #expect(Self.answer(status).reply(now: Self.now) == .notTaken("Trakt did not accept it (\(status))"))
        }
        #expect(Self.answer(423).reply(now: Self.now) == .askUser(.locked))
        #expect(Self.answer(426).reply(now: Self.now) == .barred(.vipRequired))
        for status in [400, 404, 405, 412, 422] {
            guard case .refused = Self.answer(status).reply(now: Self.now) else {
                Issue.record("\(status)")
                continue
            }
        }
        for status in [502, 503, 504, 520, 521, 522, 524] {
            guard case .ambiguous = Self.answer(status, html: true).reply(now: Self.now) else {
                Issue.record("\(status)")
                continue
            }
        }
        guard case .broken = Self.answer(500).reply(now: Self.now) else {
            Issue.record("500")
            return
        }
    }

    @Test("A limit lasts as long as the later of both headers says, half a minute where neither does, a day at most")
    func limits() {
        func wait(_ retryAfter: String?, _ rateLimit: String?) -> Duration? {
            let reply = Self.answer(429, retryAfter: retryAfter, rateLimit: rateLimit).reply(now: Self.now)
            if case .wait(let time, _) = reply { return time }
            return nil
        }
        #expect(wait("7", nil) == .seconds(7))
        #expect(wait(nil, #"{"until":"2026-11-01T20:01:00Z"}"#) == .seconds(60))
        #expect(wait("90", #"{"until":"2026-11-01T20:01:00Z"}"#) == .seconds(90))
        #expect(wait(nil, nil) == .seconds(30))
        #expect(wait("0", nil) == .seconds(1))
        #expect(wait("soon", "{broken") == .seconds(30))
        #expect(wait("99999999999", nil) == .seconds(86_400))
        #expect(wait(nil, #"{"until":"2020-01-01T00:00:00Z"}"#) == .seconds(1))
    }

    @Test("Recorded histories are read, row by row")
    func recordings() throws {
        guard let folder = ProcessInfo.processInfo.environment["REELAY_FIXTURES"] else { return }
        let file = URL(fileURLWithPath: folder + "/trakt/traktkit/Sync_test_get_watched_history.json")
        let rows = try decodeJSON(JSONValue.self, from: Array(try Data(contentsOf: file))).array
        #expect(!rows.isEmpty)
        for row in rows {
            let play = try #require(TraktPlay(row))
            #expect(play.ids.trakt != nil && play.watchedAt != nil)
        }
    }
}

@Suite struct TraktCallsTests {
    private static func job(_ action: JobAction, _ kind: TitleKind = .movie, progress: Double = 42.5) -> QueueJob {
        QueueJob(
            id: UUIDBits(high: 1, low: 1), position: 0, kind: kind, title: TitleID(UUIDBits(high: 1, low: 2)),
            action: action,
            payload: JobPayload(
                progressPercent: progress, watchedAt: Timestamp("2026-11-01T20:31:45Z"), precision: .second),
            state: JobState(
                action: action, status: .pending, retryCount: 1, sends: 1, looks: 0, unsettled: 1, age: .zero,
                sinceSent: .zero))
    }

    private static func text(_ call: TraktCall?) -> String {
        call.map { "\($0.path) \(String(decoding: encodeJSON($0.body), as: UTF8.self))" } ?? "none"
    }

    @Test("What is told as it happens, and what is told later")
    func calls() {
        let ids = ExternalIds(imdb: "tt0133093", tmdb: 603)
        let movie = Self.job(.stop, progress: 80)
        let form = TraktCalls.forms(ids)[0]
        #expect(
            Self.text(TraktCalls.call(.stop, [(movie, form)], isLate: false))
                == #"scrobble/stop {"movie":{"ids":{"imdb":"tt0133093","tmdb":603}},"progress":80.5}"#)
        #expect(
            Self.text(TraktCalls.call(.stop, [(movie, form)], isLate: true))
                == #"sync/history {"movies":[{"ids":{"imdb":"tt0133093","tmdb":603},"watched_at":"2026-11-01T20:31:45Z"}]}"#
        )
        let episode = Self.job(.pause, .episode)
        #expect(
            Self.text(
                TraktCalls.call(.pause, [(episode, TraktCalls.forms(ExternalIds(tvdb: 349_232))[0])], isLate: false))
                == #"scrobble/pause {"episode":{"ids":{"tvdb":349232}},"progress":42.5}"#)
        #expect(TraktCalls.call(.removePlay, [(movie, form)], isLate: false) == nil)
        #expect(TraktCalls.forms(ExternalIds(simkl: 5)).isEmpty)
        #expect(
            TraktCalls.forms(ExternalIds(imdb: "tt0133093", tmdb: 603, tvdb: 7, trakt: 481)).map {
                String(decoding: encodeJSON($0), as: UTF8.self)
            } == [#"{"trakt":481}"#, #"{"imdb":"tt0133093","tmdb":603}"#, #"{"tvdb":7}"#])
    }

    @Test(
        "A whole show is never watched, collected or thrown out by accident", arguments: [TitleKind.series, .season],
        [JobAction.addPlay, .addToCollection, .removeFromCollection])
    func shows(kind: TitleKind, action: JobAction) {
        let form = TraktCalls.forms(ExternalIds(trakt: 1))[0]
        #expect(TraktCalls.call(action, [(Self.job(action, kind), form)], isLate: false) == nil)
        let mixed = [(job: Self.job(action), ids: form), (job: Self.job(action, kind), ids: form)]
        #expect(TraktCalls.call(action, mixed, isLate: false) == nil)
    }

    @Test("What is collected is told with its date and form, a watched or wanted show as itself")
    func shelves() {
        let form = TraktCalls.forms(ExternalIds(trakt: 1))[0]
        let media = CollectedValue(
            CollectionDetails(mediaType: "bluray", resolution: "uhd_4k", audio: "unheard_of", is3D: true))
        let job = QueueJob(
            id: UUIDBits(high: 1, low: 1), position: 0, kind: .movie, title: TitleID(UUIDBits(high: 1, low: 2)),
            action: .addToCollection,
            payload: JobPayload(collectedAt: Timestamp("2026-01-02T03:04:05Z"), media: media.stored),
            state: Self.job(.addToCollection).state)
        #expect(
            Self.text(TraktCalls.call(.addToCollection, [(job, form)], isLate: false))
                == #"sync/collection {"movies":[{"ids":{"trakt":1},"collected_at":"2026-01-02T03:04:05Z","media_type":"bluray","resolution":"uhd_4k","3d":true}]}"#
        )
        #expect(
            Self.text(TraktCalls.call(.addToWatchlist, [(Self.job(.addToWatchlist, .series), form)], isLate: false))
                == #"sync/watchlist {"shows":[{"ids":{"trakt":1}}]}"#)
    }

    @Test("A rating is told with the day on which it was given, and one that is put back without")
    func ratings() {
        let form = TraktCalls.forms(ExternalIds(trakt: 1))[0]
        func told(isUndo: Bool) -> String {
            let change = SyncChange(
                facet: .ratings, side: .theirs, title: TitleID(UUIDBits(high: 1, low: 2)), kind: .movie, was: nil,
                becomes: "8", at: Timestamp("2012-05-06T07:08:09Z"), isUndo: isUndo)
            let lane = LaneKey(user: UserID(UUIDBits(high: 1, low: 3)), provider: .trakt)
            let new = change.job(
                on: lane, batch: BatchID(UUIDBits(high: 1, low: 4)), id: UUIDBits(high: 1, low: 5))
            // As the queue stores it.
            let payload = try? decodeJSON(JobPayload.self, from: encodeJSON(new.payload))
            let job = QueueJob(
                id: new.id, position: 0, kind: new.kind, title: new.title, action: new.action,
                payload: payload ?? JobPayload(), state: Self.job(.rate).state)
            return Self.text(TraktCalls.call(new.action, [(job, form)], isLate: false))
        }
        #expect(
            told(isUndo: false)
                == #"sync/ratings {"movies":[{"ids":{"trakt":1},"rating":8,"rated_at":"2012-05-06T07:08:09Z"}]}"#)
        #expect(told(isUndo: true) == #"sync/ratings {"movies":[{"ids":{"trakt":1},"rating":8}]}"#)
    }

    @Test("A play is proof of a job where its minute fits; a scrobble also within the time of its call")
    func proof() throws {
        func play(_ moment: String?) throws -> TraktPlay {
            let text = moment.map { #""\#($0)""# } ?? "null"
            let row = #"{"id":1,"type":"movie","watched_at":\#(text),"movie":{"ids":{"trakt":1}}}"#
            return try #require(TraktPlay(try decodeJSON(JSONValue.self, from: Array(row.utf8))))
        }
        let sentAt = try #require(Timestamp("2026-11-01T20:40:10Z"))
        let add = Self.job(.addPlay)
        #expect(try TraktProof.isMade(play("2026-11-01T20:31:00.000Z"), by: add, sentAt: sentAt))
        #expect(try !TraktProof.isMade(play("2026-11-01T20:29:00.000Z"), by: add, sentAt: sentAt))
        #expect(try !TraktProof.isMade(play("2026-11-01T20:40:00.000Z"), by: add, sentAt: sentAt))
        let stop = Self.job(.stop)
        #expect(try TraktProof.isMade(play("2026-11-01T20:40:00.000Z"), by: stop, sentAt: sentAt))
        #expect(try TraktProof.isMade(play("2026-11-01T20:42:00.000Z"), by: stop, sentAt: sentAt))
        #expect(try !TraktProof.isMade(play("2026-11-01T20:43:00.000Z"), by: stop, sentAt: sentAt))
        #expect(try !TraktProof.isMade(play("1970-01-01T00:00:00.000Z"), by: stop, sentAt: sentAt))
        #expect(try !TraktProof.isMade(play(nil), by: add, sentAt: sentAt))
    }
}

@Suite struct TraktReadingTests {
    private static let now = Timestamp("2026-11-01T20:00:00Z") ?? Timestamp(clampingMicrosecondsSinceEpoch: 0)

    private static func job(
        _ day: String?, _ kind: TitleKind = .movie, _ action: JobAction = .addPlay, sinceSent: Duration = .zero
    ) -> QueueJob {
        QueueJob(
            id: UUIDBits(high: 1, low: 1), position: 0, kind: kind, title: TitleID(UUIDBits(high: 1, low: 2)),
            action: action,
            payload: JobPayload(watchedAt: day.flatMap { Timestamp($0 + "T20:31:45Z") }, precision: .second),
            state: JobState(
                action: action, status: .pending, retryCount: 1, sends: 1, looks: 0, unsettled: 1, age: .zero,
                sinceSent: sinceSent))
    }

    private static func text(_ jobs: [QueueJob]) -> [String] {
        TraktReading.all(for: jobs, now: now).map { reading in
            let days = reading.days.map { "\($0.lowerBound)…\($0.upperBound)" } ?? "all"
            return "\(reading.isOfFilms ? "films" : "episodes") \(days)"
        }
    }

    @Test("Films and episodes are read apart, days close to each other together, all where one may stand anywhere")
    func table() {
        #expect(Self.text([]).isEmpty)
        #expect(Self.text([Self.job("2024-03-02")]) == ["films 2024-03-02…2024-03-02"])
        #expect(
            Self.text([Self.job("2024-03-02", .episode), Self.job("2024-03-09"), Self.job("2024-03-01")])
                == ["films 2024-03-01…2024-03-09", "episodes 2024-03-02…2024-03-02"])
        #expect(Self.text([Self.job("2024-03-01"), Self.job("2024-03-15")]) == ["films 2024-03-01…2024-03-15"])
        #expect(
            Self.text([Self.job("2024-03-16"), Self.job("2024-03-01")])
                == ["films 2024-03-01…2024-03-01", "films 2024-03-16…2024-03-16"])
        #expect(
            Self.text([Self.job(nil, .episode), Self.job("2011-01-01", .episode), Self.job("2024-03-02")])
                == ["films 2024-03-02…2024-03-02", "episodes all"])
        #expect(Self.text([Self.job(nil, .movie, .removePlay)]).isEmpty, "nothing tells which it was")
    }

    @Test("A scrobble is looked for at the day of its call too, for it is stamped on arrival")
    func scrobbles() {
        #expect(
            Self.text([Self.job("2026-10-30", .movie, .stop, sinceSent: .seconds(86_400))])
                == ["films 2026-10-30…2026-10-31"])
        #expect(Self.text([Self.job(nil, .episode, .stop)]) == ["episodes 2026-11-01…2026-11-01"])
    }

    @Test("However far jobs are from each other, the readings are counted, and every day is in one of them")
    func bound() throws {
        let days = try (0..<64).map { number in
            try #require(CalendarDate(daysSinceEpoch: 12_000 + number * 20 + (number % 5 == 0 ? 0 : 9)))
        }
        let readings = TraktReading.all(for: days.map { Self.job("\($0)") }, now: Self.now)
        #expect(readings.count == TraktLimits.readingsMax)
        for day in days { #expect(readings.count { $0.days?.contains(day) == true } == 1) }
    }
}

@Suite struct TraktRemovalTests {
    @Test("One write takes out the rows of all jobs; what is not there is none of it")
    func together() {
        let removal = TraktRemoval([[7], [], [8, 9]])
        #expect(
            removal.call.map { "\($0.path) \(String(decoding: encodeJSON($0.body), as: UTF8.self))" }
                == #"sync/history/remove {"ids":[7,8,9]}"#)
        #expect(removal.replies(.delivered) == [.delivered, .alreadyThere, .delivered])
        #expect(TraktRemoval([[], []]).call == nil)
        #expect(TraktRemoval([[], []]).replies(.delivered) == [.alreadyThere, .alreadyThere])
    }

    @Test("What does not fit waits, and what comes behind it, however small; the first always goes")
    func bound() {
        let most = Array(repeating: Int64(1), count: TraktLimits.removedAtOnceMax - 1)
        #expect(
            TraktRemoval([most, [2], [3, 4], [5], []]).replies(.delivered)
                == [.delivered, .delivered, .untried, .untried, .untried])
        #expect(TraktRemoval([most + most, [2]]).replies(.delivered) == [.delivered, .untried])
    }
}
