import Foundation
import Stack
import Testing

extension StackPlan {
    fileprivate static let household: StackPlan = {
        var plan = StackPlan()
        plan.copies["scrobble"] = 2
        plan.copies["gateway"] = 2
        plan.settingsOf["gateway"] = ["REELAY_REGISTRATION": "open"]
        plan.settingsOfCopy["gateway"] = [1: ["REELAY_HOOK_ADDRESSES": "false"]]
        return plan
    }()
}

/// Media servers, from their webhook requests at the gateway to now playing and the history.
@Suite(.stack(.household), .serialized)
struct HookTests {
    private func gateway() throws -> PublicClient {
        PublicClient(try #require(Stack.current).service("gateway").port)
    }

    private func port() throws -> Int { try #require(Stack.current).service("gateway").port }

    private func person() async throws -> (client: PublicClient, name: String) {
        let name = "p" + UUID().uuidString.prefix(10).lowercased()
        return (try await gateway().registered(name), name)
    }

    private static var now: String {
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        return formatter.string(from: Date())
    }

    private func plays() async throws -> Int {
        let rows = try await #require(Stack.current).database.query("SELECT count(*) FROM scrobble.plays")
        return rows.first.flatMap { Int($0) } ?? -1
    }

    // MARK: Recorded

    @Test(
        "Plex counts a film as watched: a play, once somebody says whose account it is",
        .enabled(if: Recorded.folder != nil, "REELAY_FIXTURES is not set"))
    func plex() async throws {
        let (alice, name) = try await person()
        let (hook, server) = try await alice.hook("Plex", port: port())
        let text = try Recorded.hook("movary_plex-scrobble.json")
        let first = try await server.plex(text, pictureBytes: 3_000_000)
        #expect(first.status == 202 && first.json["outcome"] as? String == "quarantined", "\(first)")
        #expect(try await alice.history().isEmpty)
        let assigned = try await alice.assign("1", of: hook, to: name)
        #expect(assigned.status == 200, "\(assigned.answer.text)")
        let delivery = try #require(try await alice.deliveries(of: hook).first)
        #expect(delivery["state"] as? String == "done", "\(delivery)")
        #expect(delivery["event"] as? String == "media.scrobble")
        #expect((delivery["plays"] as? [String])?.count == 1)
        #expect(try await alice.history() == ["Big Trouble in Little China"])
        // A rating is not a play.
        let rated = try await server.plex(try Recorded.hook("movary_plex-rate.json"))
        #expect(rated.json["outcome"] as? String == "ignored")
        #expect(try await alice.history().count == 1)
    }

    @Test(
        "Jellyfin: what began is now playing, what stopped at a fourteenth is over and no play",
        .enabled(if: Recorded.folder != nil, "REELAY_FIXTURES is not set"))
    func jellyfin() async throws {
        let (alice, name) = try await person()
        let (hook, server) = try await alice.hook("Jellyfin", port: port())
        let file = "movary_jellyfin-scrobble.json"
        // As it was recorded, years ago: it does not count as now playing, and no play is recorded.
        _ = try await server.plain(try Recorded.hook(file), type: "text/plain")
        _ = try await alice.assign("50e1109a03fd4e13a3a5dd9bb27e08ec", of: hook, to: name)
        #expect(try await alice.deliveries(of: hook).map { $0["state"] as? String } == ["done"])
        #expect(try await alice.nowPlaying().isEmpty)
        // The same sitting, dated today.
        let begun = try await server.plain(
            try Recorded.hook(file, changing: ["NotificationType": "PlaybackStart", "UtcTimestamp": Self.now]),
            type: "text/plain")
        #expect(begun.json["outcome"] as? String == "accepted", "\(begun)")
        _ = try await alice.deliveries(of: hook)
        var playing = try await alice.nowPlaying()
        #expect(playing.map { $0["state"] as? String } == ["playing"])
        #expect(abs((playing.first?["progress_percent"] as? Double ?? 0) - 7.08) < 0.01, "\(playing)")
        _ = try await server.plain(
            try Recorded.hook(
                file, changing: ["NotificationType": "PlaybackProgress", "IsPaused": true, "UtcTimestamp": Self.now]))
        _ = try await alice.deliveries(of: hook)
        playing = try await alice.nowPlaying()
        #expect(playing.map { $0["state"] as? String } == ["paused"])
        _ = try await server.plain(try Recorded.hook(file, changing: ["UtcTimestamp": Self.now]))
        _ = try await alice.deliveries(of: hook)
        #expect(try await alice.nowPlaying().isEmpty)
        #expect(try await alice.history().isEmpty, "'to completion' at 7 % is no play")
    }

    @Test(
        "Emby: by form and by body, from the beginning to a play",
        .enabled(if: Recorded.folder != nil, "REELAY_FIXTURES is not set"))
    func emby() async throws {
        let (alice, name) = try await person()
        let (hook, server) = try await alice.hook("Emby", port: port())
        let file = "movary_emby-scrobble.json"
        _ = try await server.emby(try Recorded.hook(file))
        _ = try await alice.assign("3541d84b0f1b4ea4a1327b8bf2de3419", of: hook, to: name)
        #expect(try await alice.deliveries(of: hook).map { $0["state"] as? String } == ["done"])
        func say(_ event: String, ticks: Int) async throws {
            let playback: [String: Any] = ["PlayedToCompletion": false, "PositionTicks": ticks]
            let text = try Recorded.hook(
                file, changing: ["Event": event, "Date": Self.now, "PlaybackInfo": playback])
            _ = try await event == "playback.start" ? server.plain(text) : server.emby(text)
            _ = try await alice.deliveries(of: hook)
        }
        try await say("playback.start", ticks: 0)
        #expect(try await alice.nowPlaying().count == 1)
        try await say("playback.pause", ticks: 4_824_965_410)
        #expect(try await alice.nowPlaying().map { $0["state"] as? String } == ["paused"])
        try await say("playback.unpause", ticks: 4_824_965_410)
        #expect(try await alice.nowPlaying().map { $0["state"] as? String } == ["playing"])
        try await say("playback.stop", ticks: 62_000_000_000)
        #expect(try await alice.nowPlaying().isEmpty)
        #expect(try await alice.history() == ["2 Fast 2 Furious"])
    }

    @Test(
        "The other recordings: music, marks, and what no server sends to a hook",
        .enabled(if: Recorded.folder != nil, "REELAY_FIXTURES is not set"))
    func others() async throws {
        let (alice, _) = try await person()
        let (hook, server) = try await alice.hook("Others", port: port())
        let music = try await server.plain(try Recorded.hook("multiscrobbler_jellyfin_playbackProgress.json", "data"))
        #expect(music.json["outcome"] as? String == "ignored")
        // Events without an account belong to the owner; titles without a known name or id stay unmatched.
        for (member, event) in [("webhook_jellyfin", "PlaybackStop"), ("webhook_emby", "item.markplayed")] {
            let told = try await server.plain(try Recorded.hook("watchstate_mediabrowser_data.json", member))
            #expect(told.json["outcome"] as? String == "accepted", "\(event): \(told)")
        }
        for file in [
            "multiscrobbler_jellyfin_session.json", "multiscrobbler_plex_session.json", "plextraktsync_events.json",
            "plextraktsync_events-played.json", "watchstate_plex_data.json", "watchstate_mediabrowser_data.json",
        ] {
            #expect(try await server.plain(try Recorded.hook(file)).status == 422, "\(file)")
        }
        let states = try await alice.deliveries(of: hook).compactMap { $0["state"] as? String }
        #expect(states.filter { $0 == "refused" }.count == 6)
        #expect(states.filter { $0 == "ignored" }.count == 1)
        #expect(try await alice.nowPlaying().isEmpty)
    }

    // MARK: Once

    @Test("One delivery five times at once, and five times more after both services were killed: one play")
    func once() async throws {
        let (alice, name) = try await person()
        let stack = try #require(Stack.current)
        let (hook, server) = try await alice.hook("Plex", port: port())
        let text =
            #"{"event":"media.scrobble","Account":{"id":1,"title":"alice"},"Server":{"uuid":"s1"},"Player":{"uuid":"tv"},"Metadata":{"type":"movie","ratingKey":"7","title":"The Lighthouse Keeper's Clock","year":2019,"Guid":[{"id":"imdb://tt9100001"}],"duration":7080000}}"#
        _ = try await server.plex(
            #"{"event":"media.play","Account":{"id":1,"title":"alice"},"Metadata":{"type":"movie","ratingKey":"7","title":"x"}}"#
        )
        _ = try await alice.assign("1", of: hook, to: name)
        let before = try await plays()
        func five() async throws -> [String] {
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<5 {
                    group.addTask { try await server.plex(text).json["outcome"] as? String ?? "refused" }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
        }
        let first = try await five()
        for process in stack.copies["scrobble"] ?? [] { await process.kill() }
        await (try stack.service("gateway")).kill()
        for process in (stack.copies["scrobble"] ?? []) + [try stack.service("gateway")] {
            try process.start()
            try await process.awaitReady()
        }
        let second = try await five()
        #expect((first + second).filter { $0 == "accepted" }.count == 1, "\(first) \(second)")
        #expect((first + second).filter { $0 == "repeated" }.count == 9, "\(first) \(second)")
        _ = try await alice.deliveries(of: hook)
        #expect(try await plays() == before + 1)
        #expect(try await alice.history() == ["The Lighthouse Keeper's Clock"])
        // The stop that follows belongs to the same viewing.
        _ = try await server.plex(text.replacingOccurrences(of: "media.scrobble", with: "media.stop"))
        _ = try await alice.deliveries(of: hook)
        #expect(try await plays() == before + 1)
    }

    // MARK: Refused

    @Test(
        "Without a secret, with a wrong one, too large, of a wrong type, from another server: refused, counted, shown")
    func refused() async throws {
        let (alice, name) = try await person()
        let stack = try #require(Stack.current)
        let (hook, server) = try await alice.hook("Den", port: port())
        let event =
            #"{"event":"play","account":"alice","server":"den","kind":"movie","title":"The Lighthouse Keeper's Clock","year":2019}"#
        _ = try await server.plain(event)
        _ = try await alice.assign("alice", of: hook, to: name)
        let nobody = "reelay_hk_" + String(repeating: "A", count: 43)
        for (path, status, code) in [
            ("/api/v1/hooks/", 404, "routeNotFound"), ("/api/v1/hooks", 401, "unauthenticated"),
            ("/api/v1/hooks/\(nobody)", 404, "hookNotFound"),
            ("/api/v1/hooks/short-and-wrong-secret", 404, "hookNotFound"),
        ] {
            let answer = try await MediaServer(try port(), path: path).plain(event)
            #expect(answer.status == status && answer.json["code"] as? String == code, "\(path): \(answer)")
        }
        let huge = try await server.bytes(Data(repeating: 0x20, count: 20_000_000), type: "application/json")
        #expect(huge.status == 413 && huge.json["code"] as? String == "payloadTooLarge", "\(huge)")
        let large = try await server.bytes(Data(repeating: 0x20, count: 300_000), type: "application/json")
        #expect(large.status == 413, "\(large)")
        let picture = try await server.bytes(Data([0xff, 0xd8]), type: "image/jpeg")
        #expect(picture.status == 415 && picture.json["code"] as? String == "unsupportedMediaType", "\(picture)")
        let broken = try await server.plain("{")
        #expect(broken.status == 422 && broken.json["code"] as? String == "unreadableHook", "\(broken)")
        let other = try await server.plain(event.replacingOccurrences(of: "den", with: "attic"))
        #expect(other.status == 409 && other.json["code"] as? String == "otherServer", "\(other)")
        let reasons = try await alice.deliveries(of: hook).filter { $0["state"] as? String == "refused" }
        #expect(reasons.count == 5, "\(reasons)")
        let counted = try await alice.send("GET", "/hooks/\(hook)")
        #expect(counted.json["refused"] as? Int == 5, "\(counted.answer.text)")
        let metrics = try await Command.run(
            "curl", ["-sS", "http://127.0.0.1:\(try stack.service("gateway").adminPort)/metrics"])
        for status in ["404", "409", "413", "415", "422", "202"] {
            #expect(
                metrics.contains { _ in true }
                    && metrics.split(separator: "\n").contains {
                        $0.contains("receiveHook") && $0.contains("\"\(status)\"")
                    }, "no figure for \(status)")
        }
        // The secret appears in no log and no metric of any service.
        #expect(!metrics.contains("reelay_hk_"))
        for process in stack.copies.values.flatMap(\.self) {
            let log = try String(contentsOf: process.log, encoding: .utf8)
            #expect(!log.contains("reelay_hk_"), "\(process.name)")
        }
    }

    @Test("A changed address works at once, the one before for as long as was said; a hook that is gone is nobody's")
    func rotation() async throws {
        let (alice, _) = try await person()
        let (hook, old) = try await alice.hook("Den", port: port())
        func play(_ title: String) -> String { #"{"event":"play","kind":"movie","title":"\#(title)","year":2019}"# }
        let rotated = try await alice.send("POST", "/hooks/\(hook)/rotate", #"{"overlap_seconds":3600}"#)
        let new = try MediaServer(try port(), path: try #require(rotated.json["path"] as? String))
        #expect(try await old.plain(play("One")).status == 202)
        #expect(try await new.plain(play("Two")).status == 202)
        let again = try await alice.send("POST", "/hooks/\(hook)/rotate", #"{"overlap_seconds":0}"#)
        let newest = try MediaServer(try port(), path: try #require(again.json["path"] as? String))
        #expect(try await old.plain(play("Three")).status == 404)
        #expect(try await new.plain(play("Four")).status == 404)
        #expect(try await newest.plain(play("Five")).status == 202)
        // The same idempotency key returns the same address.
        let key = ["Idempotency-Key": "one-\(hook)"]
        let one = try await alice.send("POST", "/hooks", #"{"name":"Attic"}"#, headers: key)
        let other = try await alice.send("POST", "/hooks", #"{"name":"Attic"}"#, headers: key)
        #expect(one.json["path"] as? String == other.json["path"] as? String && one.status == 201)
        let reused = try await alice.send("POST", "/hooks", #"{"name":"Cellar"}"#, headers: key)
        #expect(reused.status == 422)
        #expect(try await alice.send("DELETE", "/hooks/\(hook)").json["removed"] as? Bool == true)
        #expect(try await newest.plain(play("Six")).status == 404)
    }

    // MARK: By header field

    /// The address of all hooks.
    private static let common = "/api/v1/hooks/deliver"
    private static let film =
        #"{"event":"stop","kind":"movie","ids":{"imdb":"tt9100001"},"position_seconds":99,"duration_seconds":100}"#

    /// Creates a hook at a gateway; returns its id, its secret and the path shown with it.
    private func made(by person: PublicClient) async throws -> (id: String, secret: String, path: String) {
        let made = try await person.send("POST", "/hooks", #"{"name":"Jellyfin"}"#)
        let hook = try #require(made.json["hook"] as? [String: Any], "\(made.answer.text)")
        return (
            try #require(hook["id"] as? String), try #require(made.json["secret"] as? String),
            try #require(made.json["path"] as? String)
        )
    }

    private func sent(
        _ text: String, with credentials: [String], port: Int
    ) async throws -> (status: Int, json: [String: Any]) {
        try await MediaServer(port, path: Self.common, credentials: credentials).plain(text)
    }

    @Test("The secret in a header field opens the hook as its address does: one delivery by both ways is one play")
    func byHeader() async throws {
        let (alice, _) = try await person()
        let hook = try await made(by: alice)
        #expect(hook.path == "/api/v1/hooks/\(hook.secret)")
        let first = try await sent(Self.film, with: ["Bearer \(hook.secret)"], port: port())
        #expect(first.status == 202 && first.json["outcome"] as? String == "accepted", "\(first)")
        let second = try await MediaServer(try port(), path: hook.path).plain(Self.film)
        #expect(second.json["outcome"] as? String == "repeated", "\(second)")
        #expect(try await alice.deliveries(of: hook.id).filter { $0["state"] as? String == "done" }.count == 1)
        #expect(try await alice.history() == ["The Lighthouse Keeper's Clock"])
    }

    @Test("A form with a picture, as Plex sends it, is taken with the secret in a header field too")
    func formByHeader() async throws {
        let (alice, name) = try await person()
        let hook = try await made(by: alice)
        let server = try MediaServer(try port(), path: Self.common, credentials: ["bearer  \(hook.secret)"])
        let text =
            #"{"event":"media.scrobble","Account":{"id":1,"title":"alice"},"Server":{"uuid":"s1"},"Player":{"uuid":"tv"},"Metadata":{"type":"movie","ratingKey":"7","title":"The Lighthouse Keeper's Clock","year":2019,"Guid":[{"id":"imdb://tt9100001"}],"duration":7080000}}"#
        let first = try await server.plex(text, pictureBytes: 3_000_000)
        #expect(first.status == 202 && first.json["outcome"] as? String == "quarantined", "\(first)")
        #expect(try await alice.assign("1", of: hook.id, to: name).status == 200)
        _ = try await alice.deliveries(of: hook.id)
        #expect(try await alice.history() == ["The Lighthouse Keeper's Clock"])
    }

    @Test("Without a secret in the header field, with a malformed or wrong one, or two: refused like a wrong address")
    func refusedByHeader() async throws {
        let (alice, _) = try await person()
        let stack = try #require(Stack.current)
        let hook = try await made(by: alice)
        let nobody = "reelay_hk_" + String(repeating: "A", count: 43)
        let wrong = try await MediaServer(try port(), path: "/api/v1/hooks/\(nobody)").plain(Self.film)
        #expect(wrong.status == 404 && wrong.json["code"] as? String == "hookNotFound", "\(wrong)")
        let session = try #require(alice.token)
        let refused: [[String]] = [
            [], ["Bearer"], ["Bearer nonsense"], ["Bearer reelay_hk_"], ["Bearer \(nobody)"], ["Bearer \(session)"],
            ["Bearer \(hook.secret)A"], ["Bearer \(hook.secret) more"], ["Basic \(hook.secret)"], [hook.secret],
            ["Bearer \(String(repeating: "x", count: 4_000))"], ["Bearer \(hook.secret)", "Bearer \(hook.secret)"],
        ]
        for credentials in refused {
            let answer = try await sent(Self.film, with: credentials, port: port())
            #expect(answer.status == 404 && answer.json["code"] as? String == "hookNotFound", "\(credentials)")
            #expect(answer.json["detail"] as? String == wrong.json["detail"] as? String, "\(credentials)")
        }
        #expect(try await alice.deliveries(of: hook.id).isEmpty)
        // The same limits as at an address; what is refused is shown.
        let server = try MediaServer(try port(), path: Self.common, credentials: ["Bearer \(hook.secret)"])
        for count in [20_000_000, 300_000] {
            let spaces = Data(repeating: 0x20, count: count)
            #expect(try await server.bytes(spaces, type: "application/json").status == 413, "\(count)")
        }
        #expect(try await server.bytes(Data([0xff, 0xd8]), type: "image/jpeg").status == 415)
        #expect(try await server.plain("{").status == 422)
        #expect(try await alice.send("GET", "/hooks/\(hook.id)").json["refused"] as? Int == 4)
        for process in stack.copies.values.flatMap(\.self) {
            let log = try String(contentsOf: process.log, encoding: .utf8)
            #expect(!log.contains("reelay_hk_"), "\(process.name)")
        }
    }

    @Test("Where addresses take no secrets, a right one is refused; the header field works, and its address is shown")
    func headerAlone() async throws {
        let (alice, _) = try await person()
        let strict = try #require(Stack.current?.copies["gateway"]?[1]).port
        let there = PublicClient(strict, token: alice.token)
        let hook = try await made(by: there)
        #expect(hook.path == Self.common)
        let nobody = "reelay_hk_" + String(repeating: "A", count: 43)
        for secret in [hook.secret, nobody] {
            let answer = try await MediaServer(strict, path: "/api/v1/hooks/\(secret)").plain(Self.film)
            #expect(answer.status == 404 && answer.json["code"] as? String == "hookNotFound", "\(answer)")
            #expect((answer.json["detail"] as? String)?.contains("in the header field") == true, "\(answer)")
        }
        #expect(try await alice.deliveries(of: hook.id).isEmpty)
        let first = try await sent(Self.film, with: ["Bearer \(hook.secret)"], port: strict)
        #expect(first.status == 202 && first.json["outcome"] as? String == "accepted", "\(first)")
        let rotated = try await there.send("POST", "/hooks/\(hook.id)/rotate", #"{"overlap_seconds":0}"#)
        #expect(rotated.json["path"] as? String == Self.common, "\(rotated.answer.text)")
        let secret = try #require(rotated.json["secret"] as? String)
        #expect(try await sent(Self.film, with: ["Bearer \(hook.secret)"], port: strict).status == 404)
        #expect(try await sent(Self.film, with: ["Bearer \(secret)"], port: strict).status == 202)
        // A gateway that takes addresses takes that of this hook as well.
        #expect(try await MediaServer(try port(), path: "/api/v1/hooks/\(secret)").plain(Self.film).status == 202)
        _ = try await alice.deliveries(of: hook.id)
        #expect(try await alice.history() == ["The Lighthouse Keeper's Clock"])
    }

    // MARK: Households

    @Test(
        "One hook for a household: each account's plays are its person's, and only an administrator says so of others")
    func household() async throws {
        let stack = try #require(Stack.current)
        let (alice, aliceName) = try await person()
        let (bob, bobName) = try await person()
        let (hook, server) = try await alice.hook("Family", port: port())
        func watched(_ account: String, _ imdb: String) -> String {
            #"{"event":"stop","account":"\#(account)","kind":"movie","ids":{"imdb":"\#(imdb)"},"position_seconds":99,"duration_seconds":100}"#
        }
        _ = try await server.plain(watched("parent", "tt9100001"))
        _ = try await server.plain(watched("child", "tt9100002"))
        let listed = try await alice.send("GET", "/hooks/\(hook)/accounts")
        let accounts = listed.json["accounts"] as? [[String: Any]] ?? []
        #expect(accounts.map { $0["waiting"] as? Int } == [1, 1], "\(listed.answer.text)")
        #expect(try await alice.assign("parent", of: hook, to: aliceName).status == 200)
        #expect(try await alice.assign("child", of: hook, to: bobName).status == 403)
        _ = try await stack.database.query(
            "UPDATE gateway.users SET role = 'admin' WHERE username_key = '\(aliceName)'")
        // Gateways cache a caller for a second.
        try await Task.sleep(for: .milliseconds(1_200))
        #expect(try await alice.assign("child", of: hook, to: "nobody-at-all").status == 404)
        #expect(try await alice.assign("child", of: hook, to: bobName).status == 200)
        _ = try await alice.deliveries(of: hook)
        #expect(try await alice.history().count == 1)
        #expect(try await bob.history().count == 1)
        // For anyone else the hook does not exist.
        #expect(try await bob.send("GET", "/hooks/\(hook)").status == 404)
        #expect(try await bob.send("DELETE", "/hooks/\(hook)").json["removed"] as? Bool == false)
    }

    @Test("The example for Kodi tells of an episode from its beginning to its end")
    func kodi() async throws {
        let (alice, _) = try await person()
        let (hook, server) = try await alice.hook("Kodi", port: port())
        let script = Project.root.appendingPathComponent("docs/examples/kodi_hook.py").path
        let secret = String(try #require(server.address.split(separator: "/").last))
        let installation = "http://127.0.0.1:\(try port())/"
        let item =
            #"{"id":12,"type":"episode","showtitle":"Saltmarsh","showyear":2019,"season":1,"episode":2,"title":"The Sluice","year":0,"uniqueid":{"tvdb":""}}"#
        for (event, seconds) in [("play", "0"), ("pause", "1200"), ("resume", "1200"), ("stop", "3100")] {
            let told = try await Command.run(
                "python3", [script, installation, event, item, seconds, "3120"],
                environment: ["REELAY_HOOK_SECRET": secret])
            #expect(told.contains("accepted"), "\(told)")
            _ = try await alice.deliveries(of: hook)
            #expect(try await alice.nowPlaying().count == (event == "stop" ? 0 : 1), "\(event)")
        }
        #expect(try await alice.history() == ["The Sluice"])
    }

    @Test(
        "The example for Kodi lives on while nobody answers, and tells of films and episodes alone",
        arguments: [("movie", 3), ("episode", 3), ("channel", 0), ("musicvideo", 0), ("unknown", 0)])
    func kodiAlone(kind: String, told: Int) async throws {
        let script = Project.root.appendingPathComponent("docs/examples/kodi_hook.py").path
        let lived = try await Command.run("python3", ["-c", KodiStandIn.program, script, kind])
        #expect(lived == "41 \(told) True\n")
    }

    @Test("A file of two episodes is two plays, found by the series and their numbers")
    func twoEpisodes() async throws {
        let (alice, name) = try await person()
        let (hook, server) = try await alice.hook("Jellyfin", port: port())
        func say(_ event: String, _ ticks: Int) async throws {
            let text =
                #"{"NotificationType":"\#(event)","ServerId":"j1","UserId":"u1","NotificationUsername":"alice","ItemType":"Episode","ItemId":"e1","Name":"Low Water","SeriesName":"Saltmarsh","SeriesPremiereDate":"2019-02-03","SeasonNumber":1,"EpisodeNumber":1,"EpisodeNumberEnd":2,"RunTimeTicks":62400000000,"PlaybackPositionTicks":\#(ticks),"DeviceId":"tv","UtcTimestamp":"\#(Self.now)"}"#
            _ = try await server.plain(text)
        }
        try await say("PlaybackStart", 0)
        _ = try await alice.assign("u1", of: hook, to: name)
        _ = try await alice.deliveries(of: hook)
        #expect(try await alice.nowPlaying().count == 2)
        try await say("PlaybackStop", 62_000_000_000)
        let delivery = try #require(try await alice.deliveries(of: hook).first)
        #expect((delivery["plays"] as? [String])?.count == 2, "\(delivery)")
        let names = try await alice.history()
        #expect(Set(names) == ["Low Water", "The Sluice"], "\(names)")
        // Processing it again yields the same two.
        let again = try await alice.send("POST", "/hooks/\(hook)/deliveries/\(delivery["id"] ?? "")/rerun")
        #expect(again.json["queued"] as? Bool == true)
        _ = try await alice.deliveries(of: hook)
        #expect(try await alice.history().count == 2)
    }
}
