import Foundation
import Stack
import Testing

extension StackPlan {
    /// Open registration.
    fileprivate static let open: StackPlan = {
        var plan = StackPlan()
        plan.settings["REELAY_REGISTRATION"] = "open"
        return plan
    }()
}

/// Ratings over HTTP: errors are reported, other people's ratings stay private, and writes are atomic.
@Suite(.stack(.open), .serialized)
struct RatingsTests {
    private struct Person {
        let base: String
        let token: String

        func send(
            _ method: String, _ path: String, _ body: String? = nil, headers: [String: String] = [:]
        ) async throws -> (status: Int, json: [String: Any], answer: Wire.Answer) {
            var fields = headers.merging(["authorization": "Bearer \(token)"]) { given, _ in given }
            if body != nil { fields["content-type"] = fields["content-type"] ?? "application/json" }
            let answer = try await Wire.send(method, base + path, headers: fields, body: body)
            let json = (try? JSONSerialization.jsonObject(with: answer.body)) as? [String: Any] ?? [:]
            return (answer.status, json, answer)
        }
    }

    private func join() async throws -> Person {
        let stack = try #require(Stack.current)
        return Person(
            base: "http://127.0.0.1:\(try stack.service("gateway").port)/api/v1",
            token: try await stack.people.next().token)
    }

    private func film(_ person: Person, _ imdb: String = "tt9100001") async throws -> String {
        let answer = try await person.send("POST", "/movies/resolve", #"{"ids":{"imdb":"\#(imdb)"}}"#)
        return try #require(answer.json["id"] as? String, "\(answer.answer.text)")
    }

    @Test("What cannot be a rating is refused with its reason, and changes nothing")
    func wrongInput() async throws {
        let person = try await join()
        let film = try await film(person)
        let cases: [(String, Int, String)] = [
            (#"{"rating":0}"#, 400, "invalidRequest"), (#"{"rating":-1}"#, 400, "invalidRequest"),
            (#"{"rating":10.1}"#, 400, "invalidRequest"), (#"{"rating":7.55}"#, 400, "invalidRequest"),
            (#"{"rating":NaN}"#, 400, "invalidRequest"), (#"{"rating":"8"}"#, 400, "invalidRequest"),
            (#"{"rating":null}"#, 400, "invalidRequest"), (#"{"rating":[8]}"#, 400, "invalidRequest"),
            (#"{"rating":1e400}"#, 400, "invalidRequest"), (#"{}"#, 422, "contradictoryValues"),
            (#"{"rating":8,"given":{"value":4,"scale":"five_stars"}}"#, 422, "contradictoryValues"),
            (#"{"given":{"value":4.7,"scale":"five_stars"}}"#, 422, "contradictoryValues"),
            (#"{"given":{"value":4,"scale":"elevens"}}"#, 400, "invalidRequest"),
            (#"{"rating":8,"review":"a\u0000b"}"#, 400, "invalidRequest"),
            (#"{"rating":8,"review":""# + String(repeating: "x", count: 50_001) + #""}"#, 400, "invalidRequest"),
            (#"{"rating":8,"review":""# + String(repeating: "x", count: 1_100_000) + #""}"#, 413, "payloadTooLarge"),
            (#"{"rating":8,"rated_at":"yesterday"}"#, 400, "invalidRequest"),
            (#"{"rating":8,"rated_at":"2199-01-01T00:00:00Z"}"#, 422, "dateInFuture"),
            (#"{"rating":8,"user":"01920000-0000-7000-8000-00000000a11c"}"#, 400, "invalidRequest"),
        ]
        for (body, status, code) in cases {
            let answer = try await person.send("POST", "/movies/\(film)/rate", body)
            #expect(answer.status == status, "\(body.prefix(80)): \(answer.answer.text)")
            #expect(answer.json["code"] as? String == code, "\(body.prefix(80)): \(answer.answer.text)")
            #expect((answer.json["detail"] as? String)?.isEmpty == false, "\(body.prefix(80))")
        }
        let me = try await person.send("GET", "/users/me")
        let ids = ["01920000-0000-7000-8000-00000000dead", try #require(me.json["id"] as? String)]
        for id in ids {
            let answer = try await person.send("POST", "/movies/\(id)/rate", #"{"rating":8}"#)
            #expect(answer.json["code"] as? String == "titleNotFound", "\(answer.answer.text)")
        }
        #expect(try await person.send("GET", "/ratings").json["items"] as? [String] == [])
        #expect(try await person.send("GET", "/ratings/timeline").json["changes"] as? [String] == [])
    }

    @Test("Any text that a person may write comes back as it was; a rating on my own scale is kept as I gave it")
    func texts() async throws {
        let person = try await join()
        let film = try await film(person)
        for text in ["Wunderbar 🎬👩‍👩‍👧", "שלום עולם ‮ مرحبا", "=1+1\n\"quoted\"", String(repeating: "ü", count: 50_000)] {
            let body = try JSONSerialization.data(withJSONObject: ["rating": 8.5, "review": text])
            let answer = try await person.send("POST", "/movies/\(film)/rate", String(decoding: body, as: UTF8.self))
            #expect(answer.status == 200, "\(answer.answer.text.prefix(300))")
            #expect(try await person.send("GET", "/movies/\(film)/rate").json["review"] as? String == text)
        }
        let given = try await person.send(
            "POST", "/movies/\(film)/rate", #"{"given":{"value":4.5,"scale":"five_stars"},"review":""}"#)
        #expect(given.json["rating"] as? Double == 9)
        #expect((given.json["given"] as? [String: Any])?["value"] as? Double == 4.5)
        #expect(given.json["review"] == nil)
        let ratings = try await person.send("GET", "/movies/\(film)/ratings")
        #expect((ratings.json["mine"] as? [String: Any])?["rating"] as? Double == 9)
        #expect((ratings.json["people"] as? [String: Any])?["count"] as? Int == 1)
        #expect((ratings.json["external_ratings"] as? [Any])?.isEmpty == false)
        let world = try await person.send("GET", "/ratings/world")
        let sources = try #require(world.json["sources"] as? [[String: Any]])
        // 9 against the emulated IMDb's 8.1.
        #expect(sources.first { $0["source"] as? String == "imdb" }?["distance"] as? Double == 0.9)
    }

    @Test("If-Match holds a rating, and a key makes many posts one")
    func conditions() async throws {
        let person = try await join()
        let film = try await film(person)
        let path = "/movies/\(film)/rate"
        let first = try await person.send("POST", path, #"{"rating":8}"#)
        let tag = try #require(first.answer.headers["etag"])
        #expect(try await person.send("GET", path).answer.headers["etag"] == tag)
        #expect(try await person.send("GET", path, headers: ["if-none-match": tag]).status == 304)
        #expect(try await person.send("POST", path, #"{"rating":9}"#, headers: ["if-match": tag]).status == 200)
        let stale = try await person.send("POST", path, #"{"rating":7}"#, headers: ["if-match": tag])
        #expect(stale.json["code"] as? String == "preconditionFailed")
        #expect(try await person.send("DELETE", path, headers: ["if-match": tag]).status == 412)
        // Tags that were never issued; the first would have meant that there is no rating at all.
        let other = try await self.film(person, "tt9100002")
        let unrated = "/movies/\(other)/rate"
        for tag in [
            "\"r0\"", "\"r-1\"", "\"r9007199254740992\"", "\"r9223372036854775807\"", "\"r\"", "\"r1\", \"r0\"",
        ] {
            let made = try await person.send("POST", unrated, #"{"rating":7}"#, headers: ["if-match": tag])
            #expect(made.status == 412, "\(tag): \(made.answer.text)")
            #expect(try await person.send("DELETE", unrated, headers: ["if-match": tag]).status == 412, "\(tag)")
        }
        #expect(try await person.send("POST", path, #"{"rating":7}"#, headers: ["if-none-match": "*"]).status == 412)
        let bodies = try await withThrowingTaskGroup(of: (Int, String).self) { group in
            for _ in 0..<100 {
                group.addTask {
                    let answer = try await person.send(
                        "POST", path, #"{"rating":6.5}"#, headers: ["idempotency-key": "k"])
                    return (answer.status, answer.answer.text)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(bodies.allSatisfy { $0.0 == 200 && $0.1 == bodies[0].1 })
        let reused = try await person.send("POST", path, #"{"rating":6}"#, headers: ["idempotency-key": "k"])
        #expect(reused.json["code"] as? String == "idempotencyKeyReused")
        #expect(try await person.send("DELETE", path).status == 204)
        #expect(try await person.send("GET", path).json["code"] as? String == "ratingNotFound")
        let changes =
            try await person.send("GET", "/ratings/timeline?title=\(film)").json["changes"] as? [[String: Any]]
        #expect(changes?.compactMap { $0["rating"] as? Double } == [6.5, 9, 8])
        #expect(changes?.first?["old"] as? Double == 6.5)
    }

    @Test("Of many who change one state exactly one does; who comes again with the same key is told the same")
    func exactConditions() async throws {
        let person = try await join()
        let path = "/movies/\(try await film(person))/rate"
        let made = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 1...20 {
                group.addTask {
                    try await person.send(
                        "POST", path, #"{"rating":\#(number % 10).5}"#, headers: ["if-none-match": "*"]
                    ).status
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(made.sorted() == [200] + [Int](repeating: 412, count: 19))
        let tag = try #require(try await person.send("GET", path).answer.headers["etag"])
        let changed = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<10 {
                group.addTask {
                    try await person.send("POST", path, #"{"rating":3}"#, headers: ["if-match": tag]).status
                }
                group.addTask { try await person.send("DELETE", path, headers: ["if-match": tag]).status }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(changed.filter { $0 == 412 }.count == 19 && changed.allSatisfy { [200, 204, 412].contains($0) })

        // The answer was lost, and the condition still names the state before the effect.
        _ = try await person.send("POST", path, #"{"rating":4}"#)
        for (number, others) in ["", "\"other\", "].enumerated() {
            let tag = try #require(try await person.send("GET", path).answer.headers["etag"])
            let condition = number == 0 ? "*" : others + tag
            let headers = ["if-match": condition, "idempotency-key": "lost-\(number)"]
            let rating = #"{"rating":\#(5 + number)}"#
            let first = try await person.send("POST", path, rating, headers: headers)
            #expect(first.status == 200, "\(condition): \(first.answer.text)")
            let again = try await person.send("POST", path, rating, headers: headers)
            #expect(again.status == 200 && again.answer.text == first.answer.text, "\(again.answer.text)")
        }
        let current = try #require(try await person.send("GET", path).answer.headers["etag"])
        let key = ["if-match": current, "idempotency-key": "k"]
        let first = try await person.send("POST", path, #"{"rating":10}"#, headers: key)
        #expect(first.status == 200, "\(first.answer.text)")
        #expect(try await person.send("POST", path, #"{"rating":10}"#, headers: key).answer.text == first.answer.text)
        for condition in ["\"r1\"", "\"x\"", "W/\(current)", "\"x\", \"y\""] {
            #expect(
                try await person.send("DELETE", path, headers: ["if-match": condition]).status == 412, "\(condition)")
        }
        #expect(try await person.send("DELETE", path, headers: ["if-match": "*"]).status == 204)
        #expect(try await person.send("POST", path, #"{"rating":1}"#, headers: ["if-match": "*"]).status == 412)
    }

    @Test("An answer that was lost with the gateway is given again, and the effect stays one")
    func lostAnswer() async throws {
        let stack = try #require(Stack.current)
        let gateway = try stack.service("gateway")
        let person = try await join()
        let path = "/movies/\(try await film(person))/rate"
        let user = try #require(try await person.send("GET", "/users/me").json["id"] as? String)
        func until(_ question: String) async throws {
            for _ in 0..<1_000 {
                if try await stack.database.query(question) == ["t"] { return }
                try await Task.sleep(for: .milliseconds(20))
            }
            throw StackError("never true: \(question)")
        }
        @Sendable func rate() async throws -> Wire.Answer {
            try await person.send("POST", path, #"{"rating":8.5}"#, headers: ["idempotency-key": "k"]).answer
        }
        // Another session holds the person's lock, so that the effect waits until the gateway can no longer answer.
        let holder = Task {
            _ = try? await stack.database.query(
                "SELECT pg_advisory_lock(ratings.rating_lock('\(user)')), pg_sleep(120)")
        }
        let holders = "query LIKE 'SELECT pg_advisory_lock(ratings%' AND wait_event = 'PgSleep'"
        try await until("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE \(holders))")
        let first = Task { try? await rate() }
        try await until("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)")
        _ = kill(try #require(gateway.pid), SIGSTOP)
        _ = try await stack.database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE \(holders)")
        try await until("SELECT EXISTS (SELECT FROM ratings.idempotency_keys WHERE user_id = '\(user)')")
        await gateway.kill()
        #expect(await first.value == nil, "the gateway answered after it was stopped")
        await holder.value
        try gateway.start()
        try await gateway.awaitReady()

        let again = try await rate()
        #expect(again.status == 200 && again.text.contains("\"version\":1"), "\(again.text)")
        #expect(try await rate().text == again.text)
        let changes = try await person.send("GET", "/ratings/timeline").json["changes"] as? [Any]
        #expect(changes?.count == 1)
    }

    @Test("An export of many pages has every rating once")
    func longExport() async throws {
        let person = try await join()
        let user = try #require(try await person.send("GET", "/users/me").json["id"] as? String)
        let titles = (0..<250).map { _ in UUID().uuidString.lowercased() }
        let items = titles.map { #"{"title":"\#($0)","kind":"movie","rating":7.5,"review":"A review, \"quoted\"."}"# }
        let written = try await Wire.call(
            try #require(Stack.current).service("ratings"), "ratings.writeRatings",
            params: #"{"user":"\#(user)","source":"import","items":[\#(items.joined(separator: ","))]}"#)
        #expect(written.status == 200, "\(written.text.prefix(300))")
        let json = try await person.send("GET", "/exports?kind=ratings&format=json")
        #expect(json.answer.headers["transfer-encoding"] == "chunked")
        #expect(json.answer.headers["content-type"] == "application/json")
        let ratings = try #require(json.json["ratings"] as? [[String: Any]], "\(json.answer.text.prefix(300))")
        #expect(Set(ratings.compactMap { ($0["title"] as? [String: Any])?["id"] as? String }) == Set(titles))
        #expect(ratings.count == 250)
        let csv = try await person.send("GET", "/exports?kind=ratings&format=csv").answer.text
        let lines = csv.components(separatedBy: "\r\n")
        #expect(lines.count == 252 && lines[251].isEmpty && lines[0].hasPrefix(#""Title","Year""#))
        #expect(Set(lines[1...250].map { String($0.suffix(38)) }) == Set(titles.map { "\"\($0)\"" }))
    }

    @Test("Bulk tells what became of each; the export has them all, and no formula")
    func bulkAndExport() async throws {
        let person = try await join()
        let (one, two) = (try await film(person), try await film(person, "tt9100002"))
        let bulk = try await person.send(
            "POST", "/ratings/bulk",
            #"{"items":[{"title":"\#(one)","rating":8.5,"review":"=HYPERLINK(\"x\")"},{"title":"\#(two)","given":{"value":1,"scale":"thumbs"}},"#
                + #"{"title":"01920000-0000-7000-8000-00000000dead","rating":1},{"title":"\#(one)"},{"title":"\#(two)","remove":true,"rating":1}]}"#
        )
        let outcomes = bulk.json["outcomes"] as? [[String: Any]]
        #expect(
            outcomes?.compactMap { $0["result"] as? String } == [
                "created", "created", "unknown_title", "invalid", "invalid",
            ],
            "\(bulk.answer.text)")
        let csv = try await person.send("GET", "/exports?kind=ratings&format=csv")
        #expect(csv.answer.headers["content-type"] == "text/csv; charset=utf-8")
        #expect(csv.answer.headers["content-disposition"]?.contains("attachment") == true)
        let lines = csv.answer.text.components(separatedBy: "\r\n")
        #expect(lines.count == 4)
        #expect(lines.dropFirst().contains { $0.contains(#""'=HYPERLINK(""x"")""#) })
        #expect(lines.dropFirst().contains { $0.contains(#""8","1","thumbs""#) })
        let json = try await person.send("GET", "/exports?kind=ratings")
        #expect((json.json["ratings"] as? [Any])?.count == 2)
        #expect(try await person.send("GET", "/exports?kind=everything").status == 400)
        let stats = try await person.send("GET", "/ratings/stats")
        #expect(stats.json["count"] as? Int == 2)
        #expect(stats.json["average"] as? Double == 8.25)
        #expect(
            try await person.send(
                "POST", "/movies/\(one)/rate", #"{"rating":8,"rated_at":"2019-12-31T23:30:00Z"}"#
            ).status == 200)
        for (zone, year) in [("Europe/Vienna", 2020), ("UTC", 2019)] {
            #expect(try await person.send("PATCH", "/users/me", #"{"time_zone":"\#(zone)"}"#).status == 200)
            let years = try await person.send("GET", "/ratings/stats").json["years"] as? [[String: Any]]
            #expect(years?.first?["year"] as? Int == year, "\(zone)")
        }
        let found = try await person.send("GET", "/ratings?review=hyperlink&sort=best")
        #expect((found.json["items"] as? [Any])?.count == 1)
    }

    @Test("A bulk write as large as a body may be is taken as a whole, and again under its key")
    func largestBulk() async throws {
        let person = try await join()
        let (one, two) = (try await film(person), try await film(person, "tt9100002"))
        let bytesMax = 1_048_576
        let last = #"{"title":"\#(two)","rating":3}"#
        let start = #"{"title":"\#(one)","rating":8,"review":""#
        let room = (bytesMax - 16 - last.utf8.count) / 999 - start.utf8.count - 3
        let item = start + String(repeating: "r", count: room) + #""}"#
        var body = #"{"items":["# + String(repeating: item + ",", count: 999) + last + "]}"
        body += String(repeating: " ", count: bytesMax - body.utf8.count)
        for _ in 0..<2 {
            let written = try await person.send("POST", "/ratings/bulk", body, headers: ["idempotency-key": "large"])
            let outcomes = written.json["outcomes"] as? [[String: Any]]
            #expect(written.status == 200, "\(written.answer.text.prefix(300))")
            #expect(
                outcomes?.map { $0["result"] as? String }
                    == Array(repeating: "repeated", count: 998) + ["created", "created"])
        }
        let changes = try await person.send("GET", "/ratings/timeline").json["changes"] as? [Any]
        #expect(changes?.count == 2)
    }

    @Test("Two people, every operation about ratings: nothing foreign is read or written")
    func strangers() async throws {
        let (alice, mallory) = (try await join(), try await join())
        let film = try await film(alice)
        #expect(
            try await alice.send("POST", "/movies/\(film)/rate", #"{"rating":9.7,"review":"secret-of-alice"}"#).status
                == 200)
        let feed = try await alice.send("GET", "/ratings/timeline")
        // Every operation on ratings or exports, with the call to make; new ones must be added here.
        let calls: [String: (String, String, String?)] = [
            "listRatings": ("GET", "/ratings", nil), "getRatingStatistics": ("GET", "/ratings/stats", nil),
            "compareRatings": ("GET", "/ratings/world", nil),
            "listRatingTimeline": ("GET", "/ratings/timeline?title=\(film)", nil),
            "exportData": ("GET", "/exports?kind=ratings&format=csv", nil),
            "writeRatings": ("POST", "/ratings/bulk", #"{"items":[{"title":"\#(film)","remove":true}]}"#),
            "rateMovie": ("POST", "/movies/\(film)/rate", #"{"rating":1}"#),
            "getMovieRating": ("GET", "/movies/\(film)/rate", nil),
            "unrateMovie": ("DELETE", "/movies/\(film)/rate", nil),
            "getMovieRatings": ("GET", "/movies/\(film)/ratings", nil),
        ].merging(
            ["Show": "shows", "Season": "seasons", "Episode": "episodes"].flatMap { name, path in
                [
                    ("rate\(name)", ("POST", "/\(path)/\(film)/rate", #"{"rating":1}"#)),
                    ("get\(name)Rating", ("GET", "/\(path)/\(film)/rate", nil)),
                    ("unrate\(name)", ("DELETE", "/\(path)/\(film)/rate", nil)),
                    ("get\(name)Ratings", ("GET", "/\(path)/\(film)/ratings", nil)),
                ] as [(String, (String, String, String?))]
            }
        ) { first, _ in first }
        let document = try await alice.send("GET", "/openapi.json").json["paths"] as? [String: [String: Any]]
        let operations = (document ?? [:]).filter { $0.key.contains("/rat") || $0.key.hasSuffix("/exports") }
            .flatMap { $0.value.values.compactMap { ($0 as? [String: Any])?["operationId"] as? String } }
        #expect(Set(operations) == Set(calls.keys))
        for (name, call) in calls.sorted(by: { $0.key < $1.key }) {
            let answer = try await mallory.send(call.0, call.1, call.2)
            #expect(!answer.answer.text.contains("secret-of-alice"), "\(name): \(answer.answer.text)")
            #expect(!answer.answer.text.contains("9.7,\"review"), "\(name)")
        }
        let mine = try await alice.send("GET", "/movies/\(film)/rate")
        #expect(mine.json["rating"] as? Double == 9.7)
        #expect(try await alice.send("GET", "/ratings/timeline").answer.text == feed.answer.text)
    }

    @Test("Killed in the middle of bulk writes, the service has written each of them whole or not at all")
    func killed() async throws {
        let stack = try #require(Stack.current)
        let ratings = try stack.service("ratings")
        let user = UUID().uuidString.lowercased()
        var acknowledged: Set<String> = []
        for round in 0..<4 {
            let answered = try await withThrowingTaskGroup(of: String?.self) { group in
                for _ in 0..<6 {
                    let batch = UUID().uuidString.lowercased()
                    let items = (0..<1_000).map { _ in
                        #"{"title":"\#(UUID().uuidString.lowercased())","kind":"movie","rating":7.5}"#
                    }
                    let params =
                        #"{"user":"\#(user)","source":"import","batch":"\#(batch)","items":[\#(items.joined(separator: ","))]}"#
                    group.addTask {
                        let answer = try? await Wire.call(ratings, "ratings.writeRatings", params: params)
                        return answer?.text.contains("created") == true ? batch : nil
                    }
                }
                // Each round a little later.
                group.addTask {
                    try await Task.sleep(for: .milliseconds(60 * (round + 1)))
                    await ratings.kill()
                    return nil
                }
                return try await group.reduce(into: Set<String>()) { if let batch = $1 { $0.insert(batch) } }
            }
            acknowledged.formUnion(answered)
            try ratings.start()
            try await ratings.awaitReady()
        }
        let written = try await stack.database.query(
            "SELECT batch_id || ' ' || count(*) FROM ratings.rating_events WHERE user_id = '\(user)' GROUP BY batch_id")
        let batches = Set(written.map { String($0.prefix { $0 != " " }) })
        #expect(written.allSatisfy { $0.hasSuffix(" 1000") }, "\(written)")
        #expect(batches.isSuperset(of: acknowledged))
        let rows = try await stack.database.query("SELECT count(*) FROM ratings.user_ratings WHERE user_id = '\(user)'")
        #expect(rows == ["\(batches.count * 1_000)"])
        let counted = try await stack.database.query(
            "SELECT sum(a.count) FROM ratings.rating_aggregates a JOIN ratings.user_ratings u USING (media_id) WHERE u.user_id = '\(user)'"
        )
        #expect(counted == rows || batches.isEmpty)
    }
}
