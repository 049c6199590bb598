import Foundation
import Stack
import Testing

extension StackPlan {
    fileprivate static let replicas: StackPlan = {
        var plan = StackPlan()
        plan.copies["scrobble"] = 2
        plan.settingsOf["gateway"] = ["REELAY_REGISTRATION": "open"]
        return plan
    }()
}

/// The gateway's event stream, read by curl.
@Suite(.stack(.replicas), .serialized)
struct EventTests {
    /// A stream as a browser parses it.
    private final class Listener {
        struct Event: Equatable {
            var id = ""
            var name = ""
            var data = ""
        }

        private let process = Process()
        /// The output of curl; a file is complete as soon as the process has ended.
        private let file = FileManager.default.temporaryDirectory.appending(path: "events-\(UUID().uuidString)")

        init(_ client: PublicClient, lastID: String? = nil, query: String = "") throws {
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments =
                [
                    "curl", "-sSN", "--max-time", "60", "-o", file.path, "-H",
                    "authorization: Bearer \(client.token ?? "")",
                ]
                + (lastID.map { ["-H", "Last-Event-ID: \($0)"] } ?? []) + [client.base + "/events" + query]
            process.standardInput = FileHandle.nullDevice
            try process.run()
        }

        deinit {
            process.terminate()
            try? FileManager.default.removeItem(at: file)
        }

        var said: String { (try? Data(contentsOf: file)).map { String(decoding: $0, as: UTF8.self) } ?? "" }
        var hasEnded: Bool { !process.isRunning }

        var events: [Event] {
            said.components(separatedBy: "\n\n").compactMap { block in
                var event = Event()
                for line in block.split(separator: "\n") {
                    if line.hasPrefix("id: ") { event.id = String(line.dropFirst(4)) }
                    if line.hasPrefix("event: ") { event.name = String(line.dropFirst(7)) }
                    if line.hasPrefix("data: ") { event.data = String(line.dropFirst(6)) }
                }
                return event.name.isEmpty || event.data.isEmpty ? nil : event
            }
        }

        /// Every id sent, including those without an event.
        var ids: [String] {
            said.split(separator: "\n").filter { $0.hasPrefix("id: ") }.map { String($0.dropFirst(4)) }
        }

        /// Returns, for each event with this name, the member of the same name.
        func told(_ name: String) -> [[String: Any]] {
            events.filter { $0.name == name }.compactMap { event in
                let json = try? JSONSerialization.jsonObject(with: Data(event.data.utf8)) as? [String: Any]
                return json?[name] as? [String: Any]
            }
        }

        /// Comments that only keep the connection alive.
        var heartbeats: Int { said.components(separatedBy: "\n\n").count { $0 == ": " } }

        /// Waits until `isEnough`, by default for at most 20 s.
        func wait(atMost limit: Duration = .seconds(20), _ isEnough: (Listener) -> Bool) async throws {
            let end = ContinuousClock.now + limit
            while !isEnough(self) {
                guard ContinuousClock.now < end else {
                    throw StackError("\(hasEnded ? "ended, and" : "") said only: \(said)")
                }
                try await Task.sleep(for: .milliseconds(10))
            }
        }
    }

    private func person() async throws -> PublicClient {
        let stack = try #require(Stack.current)
        return try await PublicClient(stack.service("gateway").port).registered(
            "p" + UUID().uuidString.prefix(10).lowercased())
    }

    private func watch(_ client: PublicClient, to percent: Double, film: String = "tt9100001") async throws {
        let title = try await client.send("POST", "/movies/resolve", #"{"ids":{"imdb":"\#(film)"}}"#)
        let session = try await client.send(
            "POST", "/playback/sessions", #"{"title":"\#(title.json["id"] ?? "")"}"#)
        let stopped = try await client.send(
            "POST", "/playback/sessions/\(session.json["id"] ?? "")/stop", #"{"progress_percent":\#(percent)}"#)
        #expect(stopped.status == 200, "\(stopped.answer.text)")
    }

    @Test("Who listens hears of their own sittings and plays, and of nobody else's")
    func own() async throws {
        let (alice, bob) = (try await person(), try await person())
        let (hers, his) = (try Listener(alice), try Listener(bob))
        try await hers.wait { $0.said.contains("welcome") }
        try await his.wait { $0.said.contains("welcome") }
        try await watch(alice, to: 95)
        try await hers.wait { $0.events.count >= 3 }
        #expect(hers.events.map(\.name) == ["playback", "history", "playback"])
        #expect(hers.events[0].data.contains(#""state":"playing""#))
        #expect(hers.events[1].data.contains(#""happened":"added""#))
        #expect(hers.events[2].data.contains(#""state":"stopped""#))
        try await watch(bob, to: 10)
        try await his.wait { $0.events.count >= 2 }
        #expect(his.events.map(\.name) == ["playback", "playback"])
        #expect(hers.events.count == 3)
    }

    @Test("Who comes back with the last id hears what was missed, once and in order, also through restarts")
    func resume() async throws {
        let stack = try #require(Stack.current)
        let alice = try await person()
        var first: Listener? = try Listener(alice)
        try await first?.wait { $0.said.contains("welcome") }
        try await watch(alice, to: 95)
        try await first?.wait { $0.events.count >= 3 }
        let all = try #require(first).events
        first = nil
        try await watch(alice, to: 50, film: "tt9100002")
        for process in stack.copies["scrobble"] ?? [] {
            await process.kill()
            try process.start()
        }
        for process in stack.copies["scrobble"] ?? [] { try await process.awaitReady() }
        let second = try Listener(alice, lastID: all[0].id)
        try await second.wait { $0.events.count >= 4 }
        #expect(Array(second.events.prefix(2)) == Array(all[1...2]))
        try await watch(alice, to: 20, film: "tt9100003")
        try await second.wait { $0.events.count >= 6 }
        #expect(second.events.map(\.name) == ["history", "playback", "playback", "playback", "playback", "playback"])
        #expect(Set(second.events.map(\.id)).count == 6)
        // An id older than everything that is kept.
        let late = try Listener(alice, lastID: "1-1")
        try await late.wait { $0.events.count >= 1 }
        #expect(late.events[0].name == "reset")
    }

    /// A client that had received no event had no id either, so events between two streams were silently lost.
    @Test(
        "Who comes back before anything has happened hears what was missed, and who has an old place gets a newer one")
    func nothingYet() async throws {
        let (alice, bob) = (try await person(), try await person())
        let other = try Listener(bob)
        try await other.wait { $0.said.contains("welcome") }
        try await watch(alice, to: 10)
        try await watch(bob, to: 10)
        try await other.wait { $0.events.count >= 2 }
        let first = try Listener(alice, query: "?seconds=1")
        try await first.wait(\.hasEnded)
        #expect(first.events.map(\.name) == ["bye"])
        let begin = try #require(first.ids.last, "\(first.said)")
        try await watch(alice, to: 10)
        let second = try Listener(alice, lastID: begin)
        try await second.wait { $0.events.count >= 2 }
        #expect(second.events.map(\.name) == ["playback", "playback"], "\(second.said)")
        // The id of the last event is behind all that has happened to others since.
        let last = try #require(second.events.last?.id)
        try await watch(bob, to: 10)
        try await other.wait { $0.events.count >= 4 }
        let third = try Listener(alice, lastID: last, query: "?seconds=1")
        try await third.wait(\.hasEnded)
        #expect(third.events.map(\.name) == ["bye"])
        #expect(third.ids.count == 1 && third.ids != [last], "\(third.said)")
    }

    /// A browser gives up for good on any status but 200, and could never discard an id once received. Positions
    /// restart after the database is restored, and clients with an older id waited forever.
    @Test(
        "Who comes back with what was never an id, or is one still to come, is told to read anew, and hears what happens"
    )
    func lost() async throws {
        let alice = try await person()
        for id in ["0", "8312", "a word of its own", "10000000000000000000-1", "9000000000000000000-1"] {
            let listener = try Listener(alice, lastID: id)
            try await listener.wait { $0.events.count >= 1 }
            #expect(listener.events.map(\.name) == ["reset"], "\(id): \(listener.said)")
            #expect(listener.said.hasPrefix("retry: "))
            try await watch(alice, to: 10)
            try await listener.wait { $0.events.count >= 3 }
            #expect(listener.events.dropFirst().map(\.name) == ["playback", "playback"], "\(id)")
        }
    }

    @Test("A stream ends when it is told to, when the session ends, and when the gateway stops")
    func ends() async throws {
        let stack = try #require(Stack.current)
        let alice = try await person()
        let short = try Listener(alice, query: "?seconds=1")
        try await short.wait(\.hasEnded)
        #expect(short.events.map(\.name) == ["bye"])
        let nobody = try await PublicClient(stack.service("gateway").port).send("GET", "/events")
        #expect(nobody.status == 401)
        let long = try Listener(alice)
        try await long.wait { $0.said.contains("welcome") }
        let gateway = try stack.service("gateway")
        let begun = ContinuousClock.now
        await gateway.stop()
        #expect(ContinuousClock.now - begun < .seconds(15), "an open stream holds up the stop")
        try await long.wait(\.hasEnded)
        #expect(long.events.map(\.name) == ["bye"])
        try gateway.start()
        try await gateway.awaitReady()
    }

    @Test("A heartbeat shows that a stream lives; it ends with its session or its key, however much happens meanwhile")
    func credentials() async throws {
        let stack = try #require(Stack.current)
        let name = "p" + UUID().uuidString.prefix(10).lowercased()
        let staying = try await PublicClient(stack.service("gateway").port).registered(name)
        let leaving = try await staying.loggedIn(name)
        let soon = ISO8601DateFormatter().string(from: Date(timeIntervalSinceNow: 3))
        let made = try await staying.send(
            "POST", "/users/me/api-keys", #"{"name":"k","scopes":["read"],"expires_at":"\#(soon)"}"#,
            headers: ["idempotency-key": "k"])
        var keyed = staying
        keyed.token = try #require(made.json["token"] as? String, "\(made.answer.text)")
        let (quiet, own, key) = (try Listener(try await person()), try Listener(leaving), try Listener(keyed))
        let kept = try Listener(staying)
        for listener in [quiet, own, key, kept] { try await listener.wait { $0.said.contains("welcome") } }
        #expect(try await leaving.send("POST", "/auth/logout").status == 204)
        // Events keep coming, so it is not idleness that ends the streams.
        let end = ContinuousClock.now + .seconds(25)
        while !(own.hasEnded && key.hasEnded) {
            try #require(ContinuousClock.now < end, "they still listen: \(own.said) \(key.said)")
            try await watch(staying, to: 10)
            try await Task.sleep(for: .milliseconds(500))
        }
        #expect(own.events.last?.name == "bye")
        #expect(key.events.last?.name == "bye")
        #expect(!kept.hasEnded)
        try await quiet.wait { $0.heartbeats > 0 }
        #expect(quiet.events.isEmpty && !quiet.hasEnded)
    }

    @Test("An import tells how far it is")
    func progress() async throws {
        let alice = try await person()
        let listener = try Listener(alice)
        try await listener.wait { $0.said.contains("welcome") }
        let sent = try await alice.upload(
            "/imports?name=ratings.csv",
            Array(
                "Date,Name,Year,Letterboxd URI,Rating\n2022-01-02,The Lighthouse Keeper's Clock,2019,https://boxd.it/aaaa,4.5\n"
                    .utf8),
            type: "text/csv")
        #expect(sent.status < 300, "\(sent.answer.text)")
        try await listener.wait { $0.events.contains { $0.data.contains(#""state":"ready""#) } }
        #expect(Set(listener.events.map(\.name)) == ["import"])
        #expect(listener.events.first?.data.contains(#""state":"receiving""#) == true, "\(listener.said)")
        #expect(listener.events.last?.data.contains(#""row_count":1"#) == true, "\(listener.said)")
    }

    /// Connects an emulated Trakt account and enables everything.
    private func connectTrakt(_ client: PublicClient, as account: String) async throws {
        let invitation = try await client.send("POST", "/scrobbling/trakt/connect")
        let address = try #require(invitation.json["authorize_url"] as? String, "\(invitation.answer.text)")
        let browser = try await Wire.send("GET", "\(address)&as=\(account)", headers: ["user-agent": "a browser"])
        let back = try #require(browser.headers["location"].flatMap { URLComponents(string: $0) })
        func field(_ name: String) -> String { back.queryItems?.first { $0.name == name }?.value ?? "" }
        let outcome = try await client.send(
            "POST", "/scrobbling/trakt/complete", #"{"code":"\#(field("code"))","state":"\#(field("state"))"}"#)
        #expect(outcome.json["result"] as? String == "connected", "\(outcome.answer.text)")
        let facets = ["history", "ratings"].map {
            #"{"facet":"\#($0)","direction":"both","conflicts":"ask","deletes":true}"#
        }
        let changed = try await client.send(
            "PATCH", "/scrobbling/connections/trakt", #"{"enabled":true,"facets":[\#(facets.joined(separator: ","))]}"#)
        #expect(changed.status == 200, "\(changed.answer.text)")
    }

    @Test("What Trakt was told, and each state of a sync, is heard by its person, also by one who was away")
    func traktAndSync() async throws {
        let (alice, bob) = (try await person(), try await person())
        try await connectTrakt(alice, as: "demo-walter")
        let (hers, his) = (try Listener(alice), try Listener(bob))
        for listener in [hers, his] { try await listener.wait { $0.said.contains("welcome") } }
        try await watch(alice, to: 95)
        func jobs(_ listener: Listener) -> [[String: Any]] { listener.told("job") }
        try await hers.wait { jobs($0).contains { $0["action"] as? String == "stop" } }
        let stop = try #require(jobs(hers).first { $0["action"] as? String == "stop" })
        #expect(stop["state"] as? String == "done" && stop["provider"] as? String == "trakt", "\(stop)")
        #expect(stop["reason"] as? String == "delivered")

        // A sync may already be under way, since connecting starts one.
        var asked = try await alice.send("POST", "/scrobbling/trakt/sync?dry_run=true")
        let end = ContinuousClock.now + .seconds(30)
        while asked.json["is_new"] as? Bool != true, ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(200))
            asked = try await alice.send("POST", "/scrobbling/trakt/sync?dry_run=true")
        }
        let run = try #require(asked.json["run"] as? String, "\(asked.answer.text)")
        func states(_ listener: Listener) -> [String] {
            listener.told("sync").filter { $0["id"] as? String == run }.compactMap { $0["state"] as? String }
        }
        try await hers.wait { states($0).last == "done" }
        #expect(states(hers) == ["waiting", "reading", "done"])
        let told = hers.told("sync").filter { $0["id"] as? String == run }
        #expect(told.allSatisfy { $0["is_dry_run"] as? Bool == true && $0["provider"] as? String == "trakt" })
        #expect(his.events.isEmpty, "\(his.said)")
        // A client that resumes receives the same events in the same order.
        let heard = hers.events
        let late = try Listener(alice, lastID: heard[0].id)
        try await late.wait { $0.events.count >= heard.count - 1 }
        #expect(Array(late.events.prefix(heard.count - 1)) == Array(heard.dropFirst()))
    }
}
