import Archive
import Foundation
import Stack
import TestSupport
import Testing

/// The scrobble service is killed repeatedly while it imports a complete export: the result equals that of an
/// undisturbed run.
@Suite(.stack(.openDoor), .serialized)
struct ImportCrashTests {
    private static let rows = Form.choose(2_000, full: 20_000)
    private static let kills = Form.choose(5, full: 50)

    /// An export with plays, reviews, ratings, a watchlist and a list, with about a third as many films as rows.
    private func archive(_ random: inout SeededRandom) throws -> [UInt8] {
        let films = Self.rows / 3
        func name(_ number: Int) -> String { "A Crash Film \(number) of \(films)" }
        func day(_ number: Int) -> String {
            "20\(String(10 + number % 15))-\(String(101 + number % 12).dropFirst())-\(String(101 + number % 28).dropFirst())"
        }
        var diary = ["Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date"]
        var reviews = ["Date,Name,Year,Letterboxd URI,Rating,Rewatch,Review,Tags,Watched Date"]
        for number in 0..<(Self.rows * 7 / 10) {
            let film = Int.random(in: 0..<films, using: &random)
            let rating = ["", "3", "4.5"].randomElement(using: &random) ?? ""
            let key = String(number + 1_000_000, radix: 36)
            diary.append(
                "\(day(number)),\(name(film)),1999,https://boxd.it/\(key),\(rating),,\"tag \(number % 9)\",\(day(number))"
            )
            if number.isMultiple(of: 11) {
                reviews.append(
                    "\(day(number)),\(name(film)),1999,https://boxd.it/\(key),\(rating),,Review \(number).,,\(day(number))"
                )
            }
        }
        func simple(_ header: String, _ count: Int, _ tail: (Int) -> String) -> String {
            ([header] + (0..<count).map { "2020-01-02,\(name($0)),1999,https://boxd.it/f\($0)\(tail($0))" })
                .joined(separator: "\n")
        }
        let rest = Self.rows / 10
        let list =
            "Letterboxd list export v7\nDate,Name,Tags,URL,Description\n2022-10-01,Crashes,,https://boxd.it/lllll,\n\nPosition,Name,Year,URL,Description\n"
            + (0..<rest / 2).map { "\($0 + 1),\(name($0)),1999,https://boxd.it/f\($0)," }.joined(separator: "\n")
        let files = [
            ("diary.csv", diary.joined(separator: "\n")), ("reviews.csv", reviews.joined(separator: "\n")),
            ("ratings.csv", simple("Date,Name,Year,Letterboxd URI,Rating", rest) { ",\($0 % 5 + 1)" }),
            ("watchlist.csv", simple("Date,Name,Year,Letterboxd URI", rest) { _ in "" }), ("lists/crashes.csv", list),
        ]
        var writer = try ArchiveWriter()
        for (name, text) in files {
            try writer.begin(name)
            try writer.write(Array((text + "\n").utf8))
        }
        let packed = try writer.finish()
        return try packed.read(at: 0, count: packed.byteCount)
    }

    private struct Person {
        let token: String
        let user: String
    }

    private func person(_ name: String, _ stack: Stack) async throws -> Person {
        let answer = try await Wire.send(
            "POST", try url(stack, "/auth/register"), headers: ["content-type": "application/json"],
            body: #"{"username":"\#(name)","password":"a long and odd phrase"}"#)
        let json = try JSONSerialization.jsonObject(with: answer.body) as? [String: Any]
        let user = try await stack.database.query("SELECT id FROM gateway.users WHERE username = '\(name)'")
        return Person(
            token: try #require(json?["token"] as? String, "\(answer.text)"), user: try #require(user.first))
    }

    private func url(_ stack: Stack, _ path: String) throws -> String {
        "http://127.0.0.1:\(try stack.service("gateway").port)/api/v1\(path)"
    }

    private func send(_ bytes: [UInt8], _ person: Person, _ stack: Stack) async throws -> String {
        let sent = try await Wire.send(
            "POST", try url(stack, "/imports?apply=true"),
            headers: ["authorization": "Bearer \(person.token)", "content-type": "application/zip"], bytes: bytes)
        let json = try JSONSerialization.jsonObject(with: sent.body) as? [String: Any]
        return try #require(json?["id"] as? String, "\(sent.text)")
    }

    private func state(_ id: String, _ stack: Stack) async throws -> String {
        try await stack.database.query("SELECT state FROM scrobble.imports WHERE id = '\(id)'").first ?? ""
    }

    private func rest(_ id: String, _ stack: Stack) async throws {
        let end = ContinuousClock.now + .seconds(240)
        while try await state(id, stack) != "applied" {
            #expect(try await state(id, stack) != "failed")
            guard ContinuousClock.now < end else { throw StackError("import \(id) does not rest") }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    /// Everything that a person has, in a form that is equal for people with the same data.
    private func ledger(_ person: Person, _ id: String, _ stack: Stack) async throws -> [String] {
        let user = "'\(person.user)'"
        return try await stack.database.query(
            """
            SELECT line FROM (
                SELECT concat_ws(' ', 'play', p.title_id, p.watched_on, p.precision, n.rating, n.is_rewatch, n.tags, n.review) AS line
                FROM scrobble.plays p LEFT JOIN scrobble.play_notes n ON n.user_id = p.user_id AND n.play_id = p.id
                WHERE p.user_id = \(user) AND p.removed_at IS NULL
                UNION ALL SELECT concat_ws(' ', 'rating', media_id, rating, review, rated_at) FROM ratings.user_ratings
                WHERE user_id = \(user)
                UNION ALL SELECT concat_ws(' ', 'watchlist', title_id, added_at) FROM scrobble.watchlist_items
                WHERE user_id = \(user) AND removed_at IS NULL
                UNION ALL SELECT concat_ws(' ', 'listed', l.name, i.rank, i.title_id) FROM scrobble.list_items i
                JOIN scrobble.lists l ON l.user_id = i.user_id AND l.id = i.list_id
                WHERE i.user_id = \(user) AND i.removed_at IS NULL
                UNION ALL SELECT concat_ws(' ', 'report', verdict, count(*)) FROM scrobble.import_rows
                WHERE user_id = \(user) AND import_id = '\(id)' GROUP BY verdict
            ) lines ORDER BY line
            """)
    }

    /// The results of the import, and of the same files imported undisturbed.
    private func outcomes(
        of id: String, _ hurt: Person, _ bytes: [UInt8], _ stack: Stack
    ) async throws -> (found: [String], expected: [String]) {
        try await rest(id, stack)
        let calm = try await person("calm", stack)
        let other = try await send(bytes, calm, stack)
        try await rest(other, stack)
        return (try await ledger(hurt, id, stack), try await ledger(calm, other, stack))
    }

    @Test(
        "Killed at random while it reads, matches, judges and writes: the ledger and the report are those of an undisturbed run",
        .timeLimit(.minutes(12)))
    func killed() async throws {
        let stack = try #require(Stack.current)
        let scrobble = try stack.service("scrobble")
        var random = SeededRandom(seed: UInt64.random(in: 0...UInt64.max))
        let seed = random.seed
        let bytes = try archive(&random)
        let hurt = try await person("hurt", stack)
        let id = try await send(bytes, hurt, stack)
        var (done, places) = (0, [String: Int]())
        while done < Self.kills, try await state(id, stack) != "applied" {
            // Some rounds last longer, so that the import progresses; short ones keep a fast machine from finishing
            // before the last kill.
            let longest = Form.choose(250, full: done % 8 == 7 ? 700 : 100)
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...longest, using: &random)))
            places[try await state(id, stack), default: 0] += 1
            await scrobble.kill()
            done += 1
            // Its lease expires now instead of in a minute.
            _ = try await stack.database.query(
                "SET search_path TO scrobble; UPDATE imports SET due_at = now() WHERE id = '\(id)' AND due_at < 'infinity'"
            )
            try scrobble.start()
            try await scrobble.awaitReady()
        }
        let (found, expected) = try await outcomes(of: id, hurt, bytes, stack)
        report(
            "import killed", isHeld: found == expected,
            "\(done) kills in \(Self.rows) rows \(places.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }), \(found.count) lines, seed \(seed)"
        )
        #expect(found.count > Self.rows / 2)
        #expect(Set(found).symmetricDifference(expected).prefix(5).isEmpty, "seed \(seed)")
        #expect(found == expected, "seed \(seed)")
        #expect(done >= Form.choose(2, full: 50), "seed \(seed)")
    }

    @Test(
        "Postgres crashes while an import is written, and what was not on the disk is lost with it: the import goes on from there",
        .timeLimit(.minutes(8)))
    func databaseCrashed() async throws {
        // The WAL reaches the disk only through a commit that waits for it.
        let server = try await OwnPostgres.start(settings: "wal_writer_delay = 10s\nwal_writer_flush_after = 0")
        do {
            var plan = StackPlan.openDoor
            plan.server = server.url
            try await Stack.running(plan) { try await crash(server, under: $0) }
        } catch {
            await server.remove()
            throw error
        }
        await server.remove()
    }

    private func crash(_ server: OwnPostgres, under stack: Stack) async throws {
        var random = SeededRandom(seed: UInt64.random(in: 0...UInt64.max))
        let seed = random.seed
        let bytes = try archive(&random)
        let hurt = try await person("hurt", stack)
        let id = try await send(bytes, hurt, stack)
        let kept = "SELECT count(*) FROM scrobble.import_rows WHERE import_id = '\(id)'"
        let written = "SELECT count(*) FROM scrobble.plays WHERE user_id = '\(hurt.user)'"
        var (done, lost) = (0, 0)
        while done < Form.choose(3, full: 12), try await state(id, stack) != "applied" {
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...Form.choose(400, full: 700), using: &random)))
            func seen() async throws -> [String] {
                try await stack.database.query(kept) + (try await stack.database.query(written))
            }
            let before = try await seen()
            try await server.crash()
            try await server.launch()
            done += 1
            if try await seen() != before { lost += 1 }
            _ = try await stack.database.query(
                "SET search_path TO scrobble; UPDATE imports SET due_at = now() WHERE id = '\(id)' AND due_at < 'infinity'"
            )
        }
        let (found, expected) = try await outcomes(of: id, hurt, bytes, stack)
        report(
            "import, Postgres crashed", isHeld: found == expected,
            "\(done) crashes in \(Self.rows) rows, \(lost) of them took something back, \(found.count) lines, seed \(seed)"
        )
        #expect(Set(found).symmetricDifference(expected).prefix(5).isEmpty, "seed \(seed)")
        #expect(found == expected, "seed \(seed)")
    }
}

extension StackPlan {
    fileprivate static let openDoor: StackPlan = {
        var plan = StackPlan()
        plan.settingsOf["gateway"] = ["REELAY_REGISTRATION": "open"]
        return plan
    }()
}
