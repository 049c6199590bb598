import Cryptography
import Foundation
import Postgres
import Stack
import Testing

/// A database as the previous release left it: its schemas, and rows that its services wrote, as SQL from that time
/// (`Release/`). None of it was produced by today's code.
extension UpgradeTests {
    /// The changes that migrations since the release make to existing rows, each for its own reason.
    private static let changes = [
        // A number once used for paging is gone.
        "scrobble": [
            "import_items has no row_count",
            // A full account used to stop everything; now the connection and its lane continue.
            "queue_lanes: 1 rows less, 1 more", "scrobble_connections: 1 rows less, 1 more",
        ]
    ]

    /// The secrets that the rows were written with.
    private enum Secret {
        static let bits = String(repeating: "A", count: 43)
        static let token = "reelay_st_" + bits
        static let refresh = "reelay_rt_" + bits
        static let apiKey = "reelay_ak_00112233445566aa_" + bits
        static let password = "a long and odd phrase"
    }

    /// The id of a row with this ending.
    private static func id(_ end: String) -> String {
        "01920000-0000-7000-8000-" + String(repeating: "0", count: 12 - end.count) + end
    }

    private static func ids(_ ends: [String]) -> [String?] { ends.map { id($0) } }

    /// The ids of some nodes, or another of their members.
    private static func ids(of nodes: [Node], _ member: String = "id") -> [String?] { nodes.map { $0[member].text } }

    /// Polls until `holds` returns true, for at most a minute.
    private static func becomes(_ what: String, _ holds: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < end {
            if try await holds() { return }
            try await Task.sleep(for: .milliseconds(200))
        }
        Issue.record("\(what): not within a minute")
    }

    /// The line of a migration in the release's list.
    private static func line(of migration: Migration, _ service: String) -> String {
        let number = String(format: "%04d", migration.number)
        return "\(SHA256.hash(migration.sql))  Services/\(service)/Store/Migrations/\(number)_\(migration.name).sql"
    }

    @Test("The migrations that the previous release had are those of its commit, unchanged")
    func releasedMigrations() throws {
        func text(_ path: String) throws -> String {
            try String(contentsOf: Project.root.appending(path: path), encoding: .utf8)
        }
        let commit = try text("proto/released").trimmingCharacters(in: .whitespacesAndNewlines)
        let noted = try text("Tests/UpgradeTests/Release/migrations.sha256").split(separator: "\n").map(String.init)
        #expect(
            noted.first?.hasSuffix(" \(commit)") == true, "the list is of another release: \(noted.first ?? "empty")")
        for schema in Schema.all {
            let released = noted.filter { $0.contains("  Services/\(schema.service)/") }
            let here = schema.migrations(of: .release).map { Self.line(of: $0, schema.service) }
            #expect(here == released, "\(schema.service)")
        }
    }

    @Test("A database of the previous release loses nothing over the migrations, and the services go on with it")
    func previousRelease() async throws {
        var plan = StackPlan()
        plan.absentCopies = Dictionary(uniqueKeysWithValues: Stack.serviceNames.map { ($0, 1) })
        try await Stack.running(plan) { stack in
            for schema in Schema.all { try await Self.upgrade(schema, stack.database) }
            for name in Stack.serviceNames {
                let service = try stack.service(name)
                try service.start()
                try await service.awaitReady()
            }
            let base = "http://127.0.0.1:\(try stack.service("gateway").port)/api/v1"
            let walter = Person(base: base, token: Secret.token)
            let skyler = Person(base: base, token: Secret.apiKey)
            try await Self.checkAccount(walter)
            try await Self.checkTitles(walter)
            try await Self.checkRatings(walter)
            try await Self.checkHistory(walter)
            try await Self.checkShelves(walter)
            try await Self.checkImports(walter)
            try await Self.checkSyncs(walter)
            try await Self.checkQueue(walter, skyler)
            try await Self.checkHook(walter, skyler)
            try await Self.checkUndo(walter)
            try await Self.checkDoors(walter)
        }
    }

    /// Creates the schema of the release, fills it, and applies the migrations since.
    private static func upgrade(_ schema: Schema, _ database: StackDatabase) async throws {
        let before = schema.migrations(of: .release)
        #expect(try await schema.apply(before, in: database) == before.count)
        let rows = Project.root.appending(path: "Tests/UpgradeTests/Release/\(schema.service).sql")
        try await Command.run(
            "psql",
            ["-qX1", "-v", "ON_ERROR_STOP=1", "--dbname", database.url(of: schema.service), "-f", rows.path])
        try await schema.keepTables(in: database)
        #expect(try await schema.apply(schema.today, in: database) == schema.today.count - before.count)
        #expect(try await schema.changes(in: database) == changes[schema.service] ?? [], "\(schema.service)")
    }

    // MARK: What is there

    private static func checkAccount(_ walter: Person) async throws {
        let me = try await walter.read("/users/me")
        #expect(me["username"].text == "Walter" && me["role"].text == "admin")
        #expect(me["time_zone"].text == "Europe/Berlin")
        #expect(try await ids(of: walter.read("/users/me/sessions")["items"].list) == [id("a0c1")])
        #expect(try await walter.read("/invites")["items"].list.map(\.["note"].text) == ["For Jesse"])
        let settings = try await walter.read("/playback/settings")
        #expect(settings["play_threshold_percent"].number == 85)
    }

    private static func checkTitles(_ walter: Person) async throws {
        // One of them was merged into the other.
        for title in ["101", "109"] {
            let film = try await walter.read("/movies/\(id(title))")
            #expect(film["id"].text == id("101") && film["name"].text == "The Lighthouse Keeper's Clock")
            #expect(film["external_ids"]["imdb"].text == "tt9100001")
            #expect(film["external_ratings"].list.map(\.["value"].text) == ["8.1/10"])
            #expect(film["my_rating"]["rating"].number == 8.5)
            #expect(film["my_state"]["plays"].number == 2 && film["my_state"]["is_liked"].flag == true)
        }
        let scores = try await walter.read("/movies/\(id("101"))/scores/history")["changes"].list
        #expect(scores.map(\.["value"].text) == ["8.1/10", "8.0/10"])
        #expect(try await walter.read("/movies/\(id("104"))")["is_local"].flag == true)
    }

    private static func checkRatings(_ walter: Person) async throws {
        let ratings = try await walter.read("/ratings")["items"].list
        #expect(ratings.map(\.["title"]["id"].text) == ids(["102", "201", "101"]), "the latest first")
        #expect(ratings.map(\.["rating"]["rating"].number) == [4, 9, 8.5])
        let mine = try await walter.read("/movies/\(id("102"))/rate")
        #expect(mine["given"]["value"].number == 2 && mine["given"]["scale"].text == "five_stars")
        #expect(mine["source"].text == "letterboxd" && mine["review"].text == "Colder than I remembered.")
        let kept = try await walter.read("/movies/\(id("101"))/rate")
        #expect(kept["review"].text == "Look at the clock." && kept["spoiler"].flag == true)
        let timeline = try await walter.read("/ratings/timeline")["changes"].list
        try #require(timeline.count == 7)
        #expect(timeline.map(\.["version"].number) == [7, 6, 5, 4, 3, 2, 1])
        #expect(timeline.map(\.["old"].number) == [3, nil, nil, 7, nil, 6.5, nil])
        #expect(timeline.map(\.["rating"].number) == [nil, 3, 9, 4, 7, 8.5, 6.5])
        #expect(timeline[3]["batch"].text == id("ba01"))
        let figures = try await walter.read("/ratings/stats")
        #expect(figures["count"].number == 3 && figures["reviews"].number == 2)
        #expect(abs((figures["average"].number ?? 0) - 21.5 / 3) < 0.01)
        let people = try await walter.read("/movies/\(id("101"))/ratings")["people"]
        #expect(people["count"].number == 2 && people["average"].number == 7)
    }

    private static func checkHistory(_ walter: Person) async throws {
        let plays = try await walter.read("/history")["items"].list.map(\.["play"])
        try #require(ids(of: plays) == ids(["b06", "b04", "b02", "b01", "b03"]))
        #expect(plays.map(\.["precision"].text) == ["day", "minute", "day", "second", "unknown"])
        #expect(plays.map(\.["watched_on"].text) == ["2024-05-01", nil, "2024-02-05", nil, nil])
        let moments = plays.map { $0["watched_at"].text?.prefix(19) }
        #expect(moments == [nil, "2024-03-01T19:30:00", nil, "2024-01-04T20:15:30", nil])
        #expect(plays[3]["percent"].number == 97.5)
        #expect(try await walter.read("/movies/\(id("101"))/watched")["plays"].number == 2)
        #expect(try await walter.read("/shows/\(id("201"))/watched")["watched"].number == 1)
        #expect(try await walter.read("/episodes/\(id("222"))/progress")["percent"].number == 62.5)
        let going = try await walter.read("/continue-watching")["items"].list
        #expect(going.contains { $0["title"]["id"].text == id("222") && $0["percent"].number == 62.5 })
        let sittings = try await walter.read("/playback/now")["sessions"].list
        #expect(ids(of: sittings) == [id("c02")])
        #expect(sittings.first?["state"].text == "paused" && sittings.first?["progress_percent"].number == 40)
    }

    private static func checkShelves(_ walter: Person) async throws {
        let wishes = try await walter.read("/watchlist")["items"].list
        #expect(wishes.map(\.["title"]["id"].text) == ids(["201", "103"]))
        #expect(wishes.map(\.["note"].text) == [nil, "After the import"])
        #expect(wishes.map(\.["source"].text) == ["trakt", "letterboxd"])
        let owned = try await walter.read("/collection")["items"].list
        #expect(owned.map(\.["title"]["id"].text) == [id("101")])
        #expect(owned.map(\.["media"]["resolution"].text) == ["hd_1080p"])
        #expect(try await walter.read("/likes")["items"].list.map(\.["title"]["id"].text) == ids(["102", "101"]))
        let lists = try await walter.read("/lists")["lists"].list
        #expect(ids(of: lists) == [id("d01")])
        #expect(lists.first?["name"].text == "Lighthouses" && lists.first?["is_ranked"].flag == true)
        let items = try await walter.read("/lists/\(id("d01"))/items")["items"].list
        #expect(items.map(\.["title"]["id"].text) == ids(["101", "102"]))
        #expect(items.map(\.["rank"].number) == [1, 3] && items.map(\.["note"].text) == ["The best", nil])
    }

    private static func checkImports(_ walter: Person) async throws {
        let imports = try await walter.read("/imports")["imports"].list
        #expect(ids(of: imports) == ids(["e003", "e002", "e001"]))
        let applied = try await walter.read("/imports/\(id("e001"))")
        #expect(applied["state"].text == "applied" && applied["batch"].text == id("ba01"))
        #expect(applied["counts"]["new"].number == 2 && applied["counts"]["unmatched"].number == 1)
        let rows = try await walter.read("/imports/\(id("e001"))/rows")["rows"].list
        try #require(rows.map(\.["verdict"].text) == ["new", "same", "new", "unmatched"])
        #expect(rows.map(\.["title"].text) == [id("102"), id("102"), id("103"), nil])
        #expect(rows[0]["row"]["tags"].list.map(\.text) == ["cinema", "snow"])
        #expect(rows[1]["row"]["text"].text == "Colder than I remembered.")
        for (number, places) in [("e001", [3.0]), ("e002", [0.0])] {
            let unmatched = try await walter.read("/imports/\(id(number))/rows?verdict=unmatched")["rows"].list
            #expect(unmatched.compactMap(\.["place"].number) == places, "\(number)")
        }
        // An import that was waiting to be read is read and matched by today's services.
        try await becomes("an import of the release is read") {
            try await walter.read("/imports/\(id("e003"))")["state"].text == "ready"
        }
        #expect(try await walter.read("/imports/\(id("e003"))")["row_count"].number == 2)
    }

    private static func checkSyncs(_ walter: Person) async throws {
        let connections = try await walter.read("/scrobbling/connections")["connections"].list
        let trakt = connections.first { $0["provider"].text == "trakt" } ?? Node(value: nil)
        #expect(trakt["state"].text == "connected" && trakt["account"].text == "demo-walter")
        let facets = trakt["facets"].list.filter { $0["direction"].text != "off" }
        #expect(Set(facets.compactMap(\.["facet"].text)) == ["history", "ratings"])
        let runs = try await walter.read("/scrobbling/runs")["runs"].list
        #expect(ids(of: runs) == ids(["ba04", "ba03"]) && runs.map(\.["state"].text) == ["held", "done"])
        let held = try await walter.read("/scrobbling/runs/\(id("ba04"))")["items"].list
        #expect(held.map(\.["state"].text) == ["held"] && held.map(\.["title"].text) == [id("201")])
        let conflicts = try await walter.read("/scrobbling/conflicts")["conflicts"].list
        #expect(ids(of: conflicts) == [id("cf01")])
        #expect(conflicts.map(\.["ours"].text) == ["9"] && conflicts.map(\.["theirs"].text) == ["4"])
        let batches = try await walter.read("/batches")["batches"].list
        try #require(ids(of: batches) == ids(["ba03", "ba01", "ba02"]))
        #expect(batches.map(\.["state"].text) == ["applied", "applied", "undone"])
        #expect(batches[1]["counts"].list.count == 4 && batches[1]["label"].text == "letterboxd-walter.zip")
    }

    // MARK: What goes on

    /// Jobs are sent with the tokens that the release sealed; a job whose arrival was unknown is being verified or has
    /// been found.
    private static func checkQueue(_ walter: Person, _ skyler: Person) async throws {
        #expect(try await ids(of: walter.read("/scrobbling/queue?list=dead")["jobs"].list) == [id("f106")])
        func outcome(_ job: String, _ person: Person) async throws -> String? {
            let over = try await person.read("/scrobbling/queue?list=finished")["jobs"].list
            return over.first { $0["id"].text == id(job) }?["state"].text
        }
        #expect(try await outcome("f105", walter) == "done")
        #expect(try await outcome("f107", walter) == "cancelled")
        for job in ["f101", "f102", "f104"] {
            try await becomes("job \(job) is told") { try await outcome(job, walter) == "done" }
        }
        try await becomes("the job of an account that was full is told") { try await outcome("f201", skyler) == "done" }
        try await becomes("a job whose arrival was unknown is looked for, or was found") {
            if try await outcome("f103", walter) == "done" { return true }
            let waiting = try await walter.read("/scrobbling/queue?list=waiting")["jobs"].list
            return waiting.contains { $0["id"].text == id("f103") }
        }
    }

    private static func checkHook(_ walter: Person, _ skyler: Person) async throws {
        let hooks = try await walter.read("/hooks")["hooks"].list
        #expect(ids(of: hooks) == [id("d1")] && hooks.first?["name"].text == "Living room")
        #expect(hooks.first?["removes_plays"].flag == true && hooks.first?["server"]["id"].text == "den")
        let accounts = try await walter.read("/hooks/\(id("d1"))/accounts")["accounts"].list
        #expect(Set(ids(of: accounts, "account")) == ["skyler", "guest"])
        // A pending delivery takes effect.
        try await becomes("a delivery of the release is worked") {
            try await skyler.read("/history")["items"].list.count == 2
        }
        let titles = try await skyler.read("/history")["items"].list.map(\.["title"]["id"].text)
        #expect(titles == ids(["103", "102"]))
        let deliveries = try await walter.read("/hooks/\(id("d1"))/deliveries")["deliveries"].list
        #expect(Set(ids(of: deliveries)) == Set(ids(["d5", "d6", "d7", "d8"])))
        let guest = deliveries.first { $0["id"].text == id("d6") }
        #expect(guest?["state"].text == "quarantined" && guest?["account"].text == "guest")
    }

    /// What the release wrote in one batch is undone, and what was there before returns.
    private static func checkUndo(_ walter: Person) async throws {
        let path = "/batches/\(id("ba01"))/undo"
        let preview = try await walter.read(path)
        #expect(preview["kept"].number == 0)
        #expect(try await walter.send("POST", path).status == 200)
        try await becomes("a batch of the release is taken back") {
            try await walter.read(path)["batch"]["state"].text == "undone"
        }
        let plays = try await walter.read("/history")["items"].list.map(\.["play"])
        #expect(ids(of: plays) == ids(["b04", "b01", "b03"]))
        let wishes = try await walter.read("/watchlist")["items"].list
        #expect(wishes.map(\.["title"]["id"].text) == ids(["201", "103"]))
        #expect(wishes.map(\.["note"].text) == [nil, "Before the import"])
        #expect(try await walter.read("/likes")["items"].list.map(\.["title"]["id"].text) == [id("101")])
        let rating = try await walter.read("/movies/\(id("102"))/rate")
        #expect(rating["rating"].number == 7 && rating["review"].text == nil)
        #expect(try await walter.read(path)["restored"].number == preview["restored"].number)
    }

    /// The password, and the refresh token, whose use ends the token of the other checks.
    private static func checkDoors(_ walter: Person) async throws {
        let open = Person(base: walter.base)
        let token = try await open.made(
            "POST", "/auth/login", #"{"username":"walter","password":"\#(Secret.password)"}"#, "token")
        let sessions = try await Person(base: walter.base, token: token).read("/users/me/sessions")["items"].list
        #expect(sessions.count == 2)
        let renewed = try await open.made(
            "POST", "/auth/refresh", #"{"refresh_token":"\#(Secret.refresh)"}"#, "token")
        #expect(try await Person(base: walter.base, token: renewed).read("/users/me")["username"].text == "Walter")
    }
}
