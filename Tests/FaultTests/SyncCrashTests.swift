import Archive
import Foundation
import Stack
import TestSupport
import Testing

/// The scrobble service is killed repeatedly (SIGKILL) while it syncs with the emulated Trakt, undoes a sync, and
/// polls: both sides' records equal those of an undisturbed run.
@Suite(.stack(.openToEverybody), .serialized)
struct SyncCrashTests {
    private static let kills = Form.choose(3, full: 40)
    private static let account = "demo-hurt"
    /// The numbers of films watched only here, only there, and on both sides.
    private static let (ours, theirs, both) = (60, 40, 20)
    private static let headers = [
        "authorization": "Bearer \(account)", "trakt-api-key": "reelay-demo-trakt", "trakt-api-version": "2",
        "content-type": "application/json", "user-agent": "a browser",
    ]

    private struct Person {
        let stack: Stack
        let token: String

        func send(_ method: String, _ path: String, _ body: String? = nil) async throws -> (Int, [String: Any]) {
            let base = "http://127.0.0.1:\(try stack.service("gateway").port)/api/v1"
            let answer = try await Wire.send(
                method, base + path,
                headers: ["authorization": "Bearer \(token)", "content-type": "application/json"], body: body)
            return (answer.status, (try? JSONSerialization.jsonObject(with: answer.body) as? [String: Any]) ?? [:])
        }
    }

    private func trakt(_ stack: Stack, _ method: String, _ path: String, _ body: String? = nil) async throws -> Any {
        let answer = try await Wire.send(
            method, "http://127.0.0.1:\(stack.upstreams.port)/trakt\(path)", headers: Self.headers, body: body)
        #expect((200...299).contains(answer.status), "\(path): \(answer.text)")
        return try JSONSerialization.jsonObject(with: answer.body)
    }

    /// The minute at which a film was watched; every film is watched once.
    private static func minute(_ film: Int) -> String {
        let day = String(101 + film % 28).dropFirst()
        let month = String(101 + film / 28).dropFirst()
        return "2024-\(month)-\(day)T20:15:00.000Z"
    }

    private static func row(_ film: Int) -> String {
        #"{"ids":{"trakt":\#(70_000 + film)},"watched_at":"\#(minute(film))"}"#
    }

    /// Registers a person with plays here and an account with plays there.
    private func person(_ stack: Stack) async throws -> Person {
        let made = try await Wire.send(
            "POST", "http://127.0.0.1:\(try stack.service("gateway").port)/api/v1/auth/register",
            headers: ["content-type": "application/json"],
            body: #"{"username":"hurt-by-kills","password":"a long and odd phrase"}"#)
        let json = try JSONSerialization.jsonObject(with: made.body) as? [String: Any]
        let person = Person(stack: stack, token: try #require(json?["token"] as? String, "\(made.text)"))
        let here = (0..<Self.both + Self.ours).map { film in
            let ids = #"{"trakt":\#(70_000 + film)}"#
            return
                #"{"id":\#(1_000 + film),"watched_at":"\#(Self.minute(film))","type":"movie","movie":{"title":"Film \#(film)","year":1999,"ids":\#(ids)}}"#
        }
        var writer = try ArchiveWriter()
        try writer.begin("watched-history-1.json")
        try writer.write(Array("[\(here.joined(separator: ","))]".utf8))
        let packed = try writer.finish()
        let sent = try await Wire.send(
            "POST", "http://127.0.0.1:\(try stack.service("gateway").port)/api/v1/imports?apply=true",
            headers: ["authorization": "Bearer \(person.token)", "content-type": "application/zip"],
            bytes: try packed.read(at: 0, count: packed.byteCount))
        #expect(sent.status == 202, "\(sent.text)")
        let isImported = try await holds(within: .seconds(60)) {
            try await stack.database.query("SELECT state FROM scrobble.imports").first == "applied"
        }
        #expect(isImported)
        let there = (0..<Self.both).map { $0 } + (100..<100 + Self.theirs)
        _ = try await trakt(
            stack, "POST", "/sync/history", #"{"movies":[\#(there.map(Self.row).joined(separator: ","))]}"#)
        try await connect(person)
        return person
    }

    private func connect(_ person: Person) async throws {
        let address = try #require(
            try await person.send("POST", "/scrobbling/trakt/connect").1["authorize_url"] as? String)
        let browser = try await Wire.send("GET", "\(address)&as=\(Self.account)", headers: ["user-agent": "a browser"])
        let back = try #require(browser.headers["location"].flatMap { URLComponents(string: $0) })
        func field(_ name: String) -> String { back.queryItems?.first { $0.name == name }?.value ?? "" }
        _ = try await person.send(
            "POST", "/scrobbling/trakt/complete", #"{"code":"\#(field("code"))","state":"\#(field("state"))"}"#)
        let changed = try await person.send(
            "PATCH", "/scrobbling/connections/trakt",
            #"{"enabled":true,"facets":[{"facet":"history","direction":"both","conflicts":"ask","deletes":true}]}"#)
        #expect(changed.0 == 200, "\(changed.1)")
    }

    /// Kills and restarts the service, and expires its leases and waits as if some minutes had passed.
    private func kill(_ stack: Stack) async throws {
        let scrobble = try stack.service("scrobble")
        await scrobble.kill()
        _ = try await stack.database.query("SET search_path TO scrobble; UPDATE queue_lanes SET held_until = now()")
        _ = try await stack.database.query(
            "SET search_path TO scrobble; UPDATE sync_runs SET held_until = now() WHERE finished_at IS NULL")
        try scrobble.start()
        try await scrobble.awaitReady()
        try await passTime(stack)
    }

    /// Skips the waits of jobs that may have arrived.
    private func passTime(_ stack: Stack) async throws {
        _ = try await stack.database.query(
            "SET search_path TO scrobble; UPDATE scrobble_queue SET sent_at = sent_at - interval '10 minutes' WHERE status = 'verify'"
        )
        _ = try await stack.database.query(
            """
            SET search_path TO scrobble; UPDATE queue_lanes SET bulk_at = least(bulk_at, now()) WHERE bulk_count > 0 AND held_until <= now()
            """)
    }

    /// Makes nothing recent: no read lags, and nothing was sent a moment ago.
    private func endLag(_ stack: Stack) async throws {
        for (table, column) in [
            ("sync_base", "written_at"), ("queue_outcomes", "finished_at"), ("sync_places", "whole_at"),
            ("plays", "created_at"),
        ] {
            _ = try await stack.database.query(
                "SET search_path TO scrobble; UPDATE \(table) SET \(column) = \(column) - interval '2 days'")
        }
    }

    /// The number of plays there for each film and time.
    private func there(_ stack: Stack) async throws -> [String: Int] {
        let book = try await trakt(stack, "GET", "/_accounts") as? [String: Any] ?? [:]
        var found: [String: Int] = [:]
        for play in book["plays"] as? [[String: Any]] ?? [] where play["account"] as? String == Self.account {
            let ids = play["ids"] as? [String: Any] ?? [:]
            found["\(ids["trakt"] ?? ids) \(play["watched_at"] ?? "")", default: 0] += 1
        }
        return found
    }

    private func here(_ stack: Stack) async throws -> Int {
        try await stack.database.query("SELECT id FROM scrobble.plays WHERE removed_at IS NULL").count
    }

    /// Polls `isOver` and kills the service meanwhile; returns the number of kills and whether it became true.
    private func harass(
        _ stack: Stack, _ random: inout SeededRandom, until isOver: @escaping @Sendable () async throws -> Bool
    ) async throws -> (kills: Int, isOver: Bool) {
        var kills = 0
        let end = ContinuousClock.now + .seconds(Form.choose(180, full: 600))
        while ContinuousClock.now < end {
            let isKilling = kills < Self.kills
            async let answer = isOver()
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...350, using: &random)))
            if isKilling {
                try await kill(stack)
                kills += 1
            }
            // A service that dies during the question answers with an error.
            let isDone = (try? await answer) ?? false
            try await passTime(stack)
            if isDone, !isKilling { return (kills, true) }
        }
        return (kills, false)
    }

    private static let idle = """
        SELECT (SELECT count(*) FROM scrobble.sync_runs WHERE finished_at IS NULL) + (SELECT count(*) FROM scrobble.scrobble_queue)
        """

    @Test(
        "Killed while it syncs, takes back, and asks by itself: nothing is lost, nothing is doubled, on either side",
        .timeLimit(.minutes(20)))
    func killed() async throws {
        let stack = try #require(Stack.current)
        var random = SeededRandom(seed: UInt64.random(in: 0...UInt64.max))
        let seed = random.seed
        let person = try await person(stack)
        try await endLag(stack)
        let (before, ownBefore) = (try await there(stack), try await here(stack))
        #expect(before.count == Self.both + Self.theirs && ownBefore == Self.both + Self.ours)

        let start = try await person.send("POST", "/scrobbling/trakt/sync")
        let run = try #require(start.1["run"] as? String, "\(start)")
        let synced = try await harass(stack, &random) { try await stack.database.query(Self.idle) == ["0"] }
        let (all, own) = (try await there(stack), try await here(stack))
        let everything = Self.both + Self.ours + Self.theirs
        #expect(synced.isOver && own == everything, "seed \(seed): \(own) here")
        #expect(all.count == everything && all.values.allSatisfy { $0 == 1 }, "seed \(seed): \(all.count) there")

        // Requests the undo repeatedly, as a frontend would, until it reports that it is complete.
        let undone = try await harass(stack, &random) {
            let report = try await person.send("POST", "/batches/\(run)/undo").1
            return (report["batch"] as? [String: Any])?["state"] as? String == "undone"
        }
        let (after, ownAfter) = (try await there(stack), try await here(stack))
        #expect(undone.isOver, "seed \(seed)")
        #expect(after == before && ownAfter == ownBefore, "seed \(seed): \(after.count) there, \(ownAfter) here")

        // Something new there, found by polling.
        try await endLag(stack)
        try await Task.sleep(for: .milliseconds(1_100))
        _ = try await trakt(
            stack, "POST", "/sync/history", #"{"movies":[\#([200, 201, 202].map(Self.row).joined(separator: ","))]}"#)
        let polled = try await harass(stack, &random) {
            _ = try await stack.database.query(
                "SET search_path TO scrobble; UPDATE scrobble_connections SET polled_at = polled_at - interval '1 day'")
            let count = try await here(stack)
            return try await stack.database.query(Self.idle) == ["0"] && count >= ownBefore + 3
        }
        let (final, ownFinal) = (try await there(stack), try await here(stack))
        let isHeld =
            synced.isOver && undone.isOver && polled.isOver && after == before && ownFinal == ownBefore + 3
            && final.count == before.count + 3 && final.values.allSatisfy { $0 == 1 }
        report(
            "sync, undo and polling killed", isHeld: isHeld,
            "seed \(seed): \(synced.kills) + \(undone.kills) + \(polled.kills) kills; \(everything) plays synced, \(all.count) there, "
                + "taken back to \(after.count) and \(ownAfter), polled to \(final.count) and \(ownFinal)")
        #expect(isHeld, "seed \(seed)")
    }
}

extension StackPlan {
    fileprivate static let openToEverybody: StackPlan = {
        var plan = StackPlan()
        plan.settingsOf["gateway"] = ["REELAY_REGISTRATION": "open"]
        return plan
    }()
}
