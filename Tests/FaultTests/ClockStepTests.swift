import Foundation
import Stack
import Testing

extension FaultTests {
    /// The machines' clocks step by two hours, forward, back and apart, while everything keeps running.
    struct ClockStepTests {
        private static let account = "demo-stepped"
        /// The longest time until a process sees a step, since it may cache the clock.
        private static let settling = Duration.milliseconds(1_200)
        /// The requests that a key may make per window; the test makes enough to exceed them.
        private static let keyRequests = 20

        @Test(
            "Clock steps of two hours, each copy for itself: nothing lost, doubled, ended or locked out",
            .enabled(if: FakeClock.library != nil, "libfaketime is missing"))
        func steps() async throws {
            let library = try #require(FakeClock.library)
            let clocks = [try FakeClock(), try FakeClock()]
            defer { for clock in clocks { clock.remove() } }
            var plan = StackPlan()
            plan.copies = ["gateway": 2, "scrobble": 2]
            plan.settingsOf["gateway"] = [
                "REELAY_KEY_REQUESTS": "\(Self.keyRequests)", "REELAY_PERSON_REQUESTS": "20000",
            ]
            for service in ["metadata", "ratings"] {
                plan.settingsOf[service] = clocks[0].settings(library)
            }
            for service in ["gateway", "scrobble"] {
                plan.settingsOfCopy[service] = [0: clocks[0].settings(library), 1: clocks[1].settings(library)]
            }
            try await Stack.running(plan) { try await Steps($0, clocks).run() }
        }

        /// The activity that goes on while the clocks step.
        private final class Steps {
            private let stack: Stack
            private let clocks: [FakeClock]
            private var bearer = ""
            /// The refresh token of another of her sessions.
            private var second = ""
            /// The films acknowledged as watched: half recorded as plays, half played to their end.
            private var watched: [Int] = []
            private var faults: [String] = []
            private var longest = Duration.zero
            private var next = 0

            init(_ stack: Stack, _ clocks: [FakeClock]) {
                self.stack = stack
                self.clocks = clocks
            }

            private var gateways: [StackProcess] { stack.copies["gateway"] ?? [] }

            private func fault(_ text: String) { faults.append(text) }

            @discardableResult
            private func send(
                _ method: String, _ path: String, _ body: String? = nil, at gateway: Int = 0, bearer: String? = nil,
                headers: [String: String] = [:]
            ) async throws -> (status: Int, json: [String: Any], answer: Wire.Answer) {
                var fields = headers
                fields["authorization"] = "Bearer \(bearer ?? self.bearer)"
                if body != nil { fields["content-type"] = "application/json" }
                let begun = ContinuousClock.now
                let answer = try await Wire.send(
                    method, "http://127.0.0.1:\(gateways[gateway].port)/api/v1\(path)", headers: fields, body: body)
                longest = max(longest, begun.duration(to: .now))
                let json = (try? JSONSerialization.jsonObject(with: answer.body)) as? [String: Any] ?? [:]
                return (answer.status, json, answer)
            }

            func run() async throws {
                try await enter()
                let films = try await films(Form.choose(60, full: 600))
                try await connect()
                let rated = try await stack.makeFilms(16)
                let client = Client(base: "http://127.0.0.1:\(gateways[0].port)", token: bearer)
                try await client.rate(rated)
                let load = try Load(
                    on: client, titles: rated, threads: 8, callsPerSecond: 60, writes: true,
                    others: ["http://127.0.0.1:\(gateways[1].port)"])
                let sitting = try await send(
                    "POST", "/playback/sessions", #"{"title":"\#(films[films.count - 1])","progress_percent":10}"#)
                let key = try await send("POST", "/users/me/api-keys", #"{"name":"a script","scopes":["read"]}"#)
                let keyToken = key.json["token"] as? String ?? ""
                var wait = try await exhaust(keyToken)

                let steps: [(clock: Int, to: String)] = [
                    (0, "+2h"), (1, "-2h"), (0, "-2h"), (1, "+2h"), (0, "+0"), (1, "+0"),
                ]
                let rounds = Form.choose(1, full: 8)
                for _ in 0..<rounds {
                    for (number, step) in steps.enumerated() {
                        let before = try await refreshed()
                        try await watch(films, Form.choose(1, full: 4))
                        if Form.isFull || number % 3 == 0 {
                            let isInTime = try await stuckCall { try self.clocks[step.clock].set(step.to) }
                            if !isInTime { fault("a call did not keep its deadline over the step to \(step.to)") }
                        } else {
                            try clocks[step.clock].set(step.to)
                            try await Task.sleep(for: ClockStepTests.settling)
                        }
                        // The answer to the refresh may have been lost, and the clock has stepped since.
                        try await again(before)
                        try await watch(films, Form.choose(1, full: 8))
                        try await check(sitting.json["id"] as? String ?? "", step.to)
                        wait = try await stillHeld(keyToken, wait, step.to)
                    }
                }
                let calls = try await load.stop()
                try await judge(calls, rounds * steps.count)
            }

            // MARK: People

            private func enter() async throws {
                let made = try await send(
                    "POST", "/auth/register", #"{"username":"alice","password":"a long and odd phrase"}"#)
                try take(made.json)
                let login = try await send(
                    "POST", "/auth/login", #"{"username":"alice","password":"a long and odd phrase"}"#)
                second = login.json["refresh_token"] as? String ?? ""
            }

            private func take(_ grant: [String: Any]) throws {
                guard let token = grant["token"] as? String else { throw StackError("no session: \(grant)") }
                bearer = token
            }

            /// Refreshes a second session; returns the token that was used.
            private func refreshed() async throws -> String {
                let used = second
                let renewed = try await send("POST", "/auth/refresh", #"{"refresh_token":"\#(used)"}"#)
                if renewed.status != 200 { fault("a session was not refreshed: \(renewed.answer.text)") }
                return used
            }

            /// Presents a refresh token again, as if its answer had been lost.
            private func again(_ refresh: String) async throws {
                let renewed = try await send("POST", "/auth/refresh", #"{"refresh_token":"\#(refresh)"}"#, at: 1)
                if renewed.status != 200 { fault("a session was ended: \(renewed.answer.text)") }
                second = renewed.json["refresh_token"] as? String ?? second
            }

            /// Checks that sessions, sittings and what is playing are unchanged.
            private func check(_ sitting: String, _ step: String) async throws {
                for gateway in gateways.indices {
                    let me = try await send("GET", "/users/me", at: gateway)
                    if me.status != 200 { fault("at \(step) the session of gateway \(gateway) is \(me.status)") }
                    let playing = try await send("GET", "/playback/now", at: gateway)
                    let open = playing.json["sessions"] as? [[String: Any]] ?? []
                    if !open.contains(where: { $0["id"] as? String == sitting }) {
                        fault("at \(step) the sitting has ended at gateway \(gateway)")
                    }
                }
                let beat = try await send(
                    "POST", "/playback/sessions/\(sitting)/heartbeat", #"{"progress_percent":20}"#)
                if beat.status != 200 { fault("at \(step) a heartbeat is \(beat.status): \(beat.answer.text)") }
            }

            /// Uses up a key's requests; returns how long it must wait, in seconds.
            private func exhaust(_ key: String) async throws -> Int {
                for _ in 0..<ClockStepTests.keyRequests + 5 {
                    let answer = try await send("GET", "/users/me", bearer: key)
                    if answer.status == 429, let wait = answer.answer.headers["retry-after"].flatMap({ Int($0) }) {
                        return wait
                    }
                }
                throw StackError("a key is not held to its rate")
            }

            /// Checks that a key's wait does not grow past the window; once it is over, uses up the key again.
            private func stillHeld(_ key: String, _ wait: Int, _ step: String) async throws -> Int {
                let answer = try await send("GET", "/users/me", at: 1, bearer: key)
                guard answer.status == 429 else { return try await exhaust(key) }
                let now = answer.answer.headers["retry-after"].flatMap { Int($0) } ?? .max
                if now > max(wait, 70) { fault("at \(step) a key has to wait \(now) s instead of \(wait)") }
                return now
            }

            // MARK: Watching

            /// Creates films with an id that Trakt knows.
            private func films(_ count: Int) async throws -> [String] {
                let films = try await stack.makeFilms(count)
                let rows = films.enumerated().map { "('trakt', 'movie', '\(70_000 + $0)', '\($1)')" }
                _ = try await stack.database.query(
                    "SET search_path = metadata; INSERT INTO external_ids (source, kind, value, title_id) VALUES "
                        + rows.joined(separator: ", "))
                return films
            }

            /// Watches the next films, half recorded as plays on a past day, half played to their end now.
            private func watch(_ films: [String], _ count: Int) async throws {
                for _ in 0..<count where next < films.count - 1 {
                    let (film, gateway) = (next, next / 2 % 2)
                    next += 1
                    if film % 2 == 0 {
                        let day = String(101 + film % 28).dropFirst()
                        let told = try await send(
                            "POST", "/history",
                            #"{"title":"\#(films[film])","watched_at":"2024-03-\#(day)T20:15:00Z"}"#, at: gateway,
                            headers: ["idempotency-key": "film \(film)".replacing(" ", with: "-")])
                        if told.status == 201 { watched.append(film) } else { fault("not told: \(told.answer.text)") }
                        continue
                    }
                    let begun = try await send(
                        "POST", "/playback/sessions", #"{"title":"\#(films[film])","progress_percent":5}"#, at: gateway)
                    guard begun.status == 201, let session = begun.json["id"] as? String else {
                        fault("not begun: \(begun.answer.text)")
                        continue
                    }
                    let ended = try await send(
                        "POST", "/playback/sessions/\(session)/stop", #"{"progress_percent":95}"#, at: 1 - gateway)
                    if ended.status == 200, ended.json["play"] != nil {
                        watched.append(film)
                    } else {
                        fault("not ended: \(ended.answer.text)")
                    }
                }
            }

            // MARK: Trakt

            private func connect() async throws {
                let address = try await send("POST", "/scrobbling/trakt/connect").json["authorize_url"] as? String ?? ""
                let browser = try await Wire.send(
                    "GET", "\(address)&as=\(ClockStepTests.account)", headers: ["user-agent": "a browser"])
                let back = browser.headers["location"].flatMap { URLComponents(string: $0) }?.queryItems ?? []
                func field(_ name: String) -> String { back.first { $0.name == name }?.value ?? "" }
                let done = try await send(
                    "POST", "/scrobbling/trakt/complete", #"{"code":"\#(field("code"))","state":"\#(field("state"))"}"#)
                guard done.json["result"] as? String == "connected" else {
                    throw StackError("not connected: \(done.answer.text)")
                }
                try await send(
                    "PATCH", "/scrobbling/connections/trakt",
                    #"{"enabled":true,"facets":[{"facet":"history","direction":"send","conflicts":"ours","deletes":false}]}"#
                )
                // A fifth of the requests that arrive are answered with a proxy's error page.
                _ = try await trakt("PUT", #"{"write_milliseconds":0,"lost_reply_percent":20}"#)
            }

            /// The emulator's records, or with "PUT" its behavior.
            private func trakt(_ method: String, _ body: String? = nil) async throws -> [String: Any] {
                let answer = try await Wire.send(
                    method, "http://127.0.0.1:\(stack.upstreams.port)/trakt/_accounts",
                    headers: [
                        "authorization": "Bearer \(ClockStepTests.account)", "trakt-api-key": "reelay-demo-trakt",
                        "trakt-api-version": "2", "content-type": "application/json", "user-agent": "a browser",
                    ], body: body)
                let book = (try? JSONSerialization.jsonObject(with: answer.body)) as? [String: Any]
                guard answer.status == 200, let book else { throw StackError("the book is closed: \(answer.text)") }
                return book
            }

            /// The number of plays there for each film.
            private func there() async throws -> [Int: Int] {
                let book = try await trakt("GET")
                var found: [Int: Int] = [:]
                for play in book["plays"] as? [[String: Any]] ?? []
                where play["account"] as? String == ClockStepTests.account {
                    let ids = play["ids"] as? [String: Any] ?? [:]
                    found[(ids["trakt"] as? Int ?? 0) - 70_000, default: 0] += 1
                }
                return found
            }

            /// Jobs that may have arrived, a fifth of all, are verified after one and two minutes; the waits are
            /// skipped, or the long form would take hours. No more than that is skipped, since a scrobble is recognized
            /// by when it was sent.
            private func drain() async throws -> Bool {
                let isOver = "SELECT count(*) FROM scrobble.scrobble_queue"
                return try await holds(within: Form.choose(.seconds(40), full: .seconds(600))) {
                    _ = try await stack.database.query(
                        """
                        SET search_path TO scrobble;
                        UPDATE scrobble_queue SET sent_at = now() - interval '125 s'
                        WHERE status = 'verify' AND sent_at > now() - interval '125 s';
                        UPDATE queue_lanes SET held_until = least(held_until, now()),
                            live_at = CASE WHEN live_count > 0 THEN least(live_at, now()) ELSE live_at END,
                            bulk_at = CASE WHEN bulk_count > 0 THEN least(bulk_at, now()) ELSE bulk_at END
                        WHERE worker IS NULL
                        """)
                    try await Task.sleep(for: .milliseconds(150))
                    return try await stack.database.query(isOver) == ["0"]
                }
            }

            // MARK: Deadlines

            /// Calls a service that waits for a lock, with a timeout of 800 ms, while a clock steps; returns whether
            /// the answer came in time.
            private func stuckCall(_ step: () throws -> Void) async throws -> Bool {
                let ratings = try stack.service("ratings")
                let url = stack.database.adminURL
                async let locked = Command.run(
                    "psql",
                    ["-qXAt", url, "-c", "BEGIN; LOCK TABLE ratings.user_ratings; SELECT pg_sleep(1.6); COMMIT"])
                let isLocked = try await holds(within: .seconds(5)) {
                    try await stack.database.query(
                        "SELECT 1 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = 'ratings.user_ratings'::regclass"
                    ) == ["1"]
                }
                guard isLocked else { throw StackError("the table cannot be locked") }
                let begun = ContinuousClock.now
                async let call = Wire.call(
                    ratings, "ratings.getRating",
                    params:
                        #"{"user":"01920000-0000-7000-8000-000000000001","title":"01920000-0000-7000-8000-000000000002"}"#,
                    headers: ["rpc-timeout-ms": "800"])
                try await Task.sleep(for: .milliseconds(100))
                try step()
                let answer = try await call
                let took = begun.duration(to: .now)
                _ = try await locked
                return answer.text.contains("1002") && (.milliseconds(750)...(.milliseconds(1_100))).contains(took)
            }

            // MARK: Verdict

            private func judge(_ calls: [Load.Call], _ steps: Int) async throws {
                let isDrained = try await drain()
                let there = try await there()
                let lost = watched.filter { there[$0] == nil }
                let doubled = there.filter { $0.value > 1 }
                let (acknowledged, wrong) = try await DatabaseTests.compare(calls, with: stack)
                let here =
                    try await stack.database.query(
                        "SELECT count(*) FROM scrobble.plays WHERE removed_at IS NULL"
                    ).first ?? ""
                if !isDrained {
                    let left = try await stack.database.query(
                        """
                        SELECT q.action || ' ' || q.status || ' ' || q.retry_count || ' ' || coalesce(q.reason, '') || ' ' || (q.next_retry_at - now())
                            || ' held ' || (l.held_until - now()) || ' live ' || l.live_at || ' bulk ' || l.bulk_at
                        FROM scrobble.scrobble_queue q JOIN scrobble.queue_lanes l USING (user_id, provider)
                        """)
                    fault("not drained: \(left)")
                }
                let outcomes = try await stack.database.query(
                    "SELECT outcome || ' ' || count(*) FROM scrobble.queue_outcomes GROUP BY outcome ORDER BY 1")
                var lanes = 0
                for copy in stack.copies["scrobble"] ?? [] {
                    let text = try await Wire.send("GET", "http://127.0.0.1:\(copy.adminPort)/metrics").text
                    for line in text.split(separator: "\n") where line.hasPrefix("queue_lanes_lost_total") {
                        lanes += line.split(separator: " ").last.flatMap { Double($0) }.map { Int($0) } ?? 0
                    }
                }
                if calls.failed.count > 0 { fault("calls failed: \(calls.failed.outcomes)") }
                if here != "\(watched.count)" { fault("\(here) plays here of \(watched.count)") }
                let isHeld =
                    faults.isEmpty && isDrained && lost.isEmpty && doubled.isEmpty && wrong.isEmpty && lanes == 0
                    && watched.count >= 10 && acknowledged > 100 && longest < .seconds(10) && stack.fallen.isEmpty
                report(
                    "Clock steps", isHeld: isHeld,
                    "\(steps) steps of 2 h and 4 h, copies up to 4 h apart: \(watched.count) plays, \(lost.count) lost, \(doubled.count) "
                        + "doubled there (\(outcomes.joined(separator: ", "))); \(acknowledged) acknowledged ratings, \(wrong.count) "
                        + "lost; \(calls.count) calls, \(calls.failed.count) failed; \(lanes) lanes lost, \(faults.count) "
                        + "sessions, sittings, rates or deadlines broken")
                #expect(
                    isHeld,
                    "\(faults.prefix(8)) drained \(isDrained) lost \(lost) doubled \(doubled) \(wrong.prefix(3))")
            }
        }
    }
}

/// A clock that processes take for the machine's, and that a test sets.
struct FakeClock {
    private let file: URL

    init() throws {
        file = FileManager.default.temporaryDirectory.appendingPathComponent("clock-\(UUID().uuidString)")
        try set("+0")
    }

    /// Sets the offset from the machine's clock, such as `+2h`. Processes see it within a second.
    func set(_ offset: String) throws { try Data("\(offset)\n".utf8).write(to: file) }

    func remove() { try? FileManager.default.removeItem(at: file) }

    /// The environment that a process must be started with. The monotonic clock is not affected.
    func settings(_ library: String) -> [String: String] {
        [
            "LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": file.path, "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_CACHE_DURATION": "1",
        ]
    }

    /// The path of libfaketime, or nil if it is not installed.
    static let library: String? = [
        "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
        "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    ].first { FileManager.default.fileExists(atPath: $0) }
}
