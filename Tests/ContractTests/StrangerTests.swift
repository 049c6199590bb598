import Foundation
import Stack
import Testing

/// Two people and every operation: neither can read or change what the other has. A new operation fails here until it
/// is listed.
@Suite(.stack(.openAndClosed), .serialized)
struct StrangerTests {
    /// How an operation keeps people apart.
    private enum Kind {
        /// Addresses a person's thing by its id: for anyone else it does not exist, which is this error.
        case addressed(String)
        /// Returns and changes only what belongs to the caller; nothing of others can be addressed.
        case own
        /// Concerns what everyone shares: titles, the installation.
        case shared
    }

    private static let kinds: [String: Kind] = [
        "register": .shared, "login": .shared, "refresh": .shared, "logout": .own, "changePassword": .own,
        "beginSecondFactor": .own, "confirmSecondFactor": .own, "removeSecondFactor": .own,
        "getHome": .own, "readTitles": .own, "getMe": .own, "updateMe": .own, "deleteMe": .own, "listSessions": .own,
        "endOtherSessions": .own,
        "endSession": .addressed("loginNotFound"), "listApiKeys": .own, "createApiKey": .own,
        "deleteApiKey": .addressed("apiKeyNotFound"), "listInvites": .shared, "createInvite": .shared,
        "deleteInvite": .shared, "resolveMovie": .shared, "getMovie": .shared, "rateMovie": .own,
        "getMovieRating": .own,
        "unrateMovie": .own, "startPlayback": .own, "stopPlayback": .addressed("sessionNotFound"), "listHistory": .own,
        "getMovieOutcomes": .shared, "listMovieScores": .shared, "resolveShow": .shared, "getShow": .shared,
        "refreshShow": .shared, "getShowOutcomes": .shared, "listShowScores": .shared, "listShowSeasons": .shared,
        "resolveSeason": .shared, "getSeason": .shared, "refreshSeason": .shared, "getSeasonOutcomes": .shared,
        "listSeasonScores": .shared, "listSeasonEpisodes": .shared, "resolveEpisode": .shared, "getEpisode": .shared,
        "refreshEpisode": .shared, "getEpisodeOutcomes": .shared, "listEpisodeScores": .shared,
        "searchTitles": .shared, "listSources": .shared, "checkSources": .shared, "refreshMovie": .shared,
        "listConnections": .own, "updateConnection": .own, "disconnect": .own, "connectTrakt": .own,
        "completeTrakt": .own, "startTraktDevice": .own, "pollTraktDevice": .own, "connectSimkl": .own,
        "completeSimkl": .own, "startSimklPin": .own,
        "pollSimklPin": .own, "startSync": .own, "listRuns": .own,
        "getRun": .own,
        "listConflicts": .own, "resolveConflict": .own, "listJobs": .own, "retryJob": .own, "cancelJob": .own,
        "heartbeatPlayback": .addressed("sessionNotFound"), "pausePlayback": .addressed("sessionNotFound"),
        "resumePlayback": .addressed("sessionNotFound"), "listPlayback": .own, "getPlaybackSettings": .own,
        "setPlaybackSettings": .own, "addPlay": .own, "removePlay": .own, "getOpenApi": .shared,
        "listRatings": .own, "getRatingStatistics": .own, "compareRatings": .own, "listRatingTimeline": .own,
        "exportData": .own, "writeRatings": .own, "getMovieRatings": .shared, "rateShow": .own, "getShowRating": .own,
        "unrateShow": .own, "getShowRatings": .shared, "rateSeason": .own, "getSeasonRating": .own,
        "unrateSeason": .own,
        "getSeasonRatings": .shared, "rateEpisode": .own, "getEpisodeRating": .own, "unrateEpisode": .own,
        "getEpisodeRatings": .shared, "listHooks": .own, "createHook": .own, "getHook": .addressed("hookNotFound"),
        "updateHook": .addressed("hookNotFound"), "deleteHook": .own, "rotateHook": .addressed("hookNotFound"),
        "listHookAccounts": .addressed("hookNotFound"), "assignHookAccount": .addressed("hookAccountNotFound"),
        "listHookDeliveries": .addressed("hookNotFound"), "rerunHookDelivery": .addressed("deliveryNotFound"),
        // Anyone who knows the secret may send; it shows nothing of anyone.
        "receiveHook": .shared, "deliverHook": .shared, "streamEvents": .own,
        "editPlay": .addressed("playNotFound"), "listContinueWatching": .own, "listWatchlist": .own,
        "putOnWatchlist": .own, "takeOffWatchlist": .own, "listCollection": .own, "putOnCollection": .own,
        "takeOffCollection": .own, "listLikes": .own, "putOnLikes": .own, "takeOffLikes": .own, "listLists": .own,
        "createList": .own, "getList": .addressed("listNotFound"), "editList": .addressed("listNotFound"),
        "deleteList": .own, "listListItems": .addressed("listNotFound"), "putListItems": .addressed("listNotFound"),
        "takeOffList": .addressed("listNotFound"), "moveListItems": .addressed("listNotFound"), "listBatches": .own,
        "previewUndo": .addressed("batchNotFound"), "undoBatch": .addressed("batchNotFound"), "getMovieWatched": .own,
        "markMovieWatched": .own, "unmarkMovieWatched": .own, "getMovieProgress": .own, "setMovieProgress": .own,
        "clearMovieProgress": .own, "getShowWatched": .own, "markShowWatched": .own, "unmarkShowWatched": .own,
        "getShowProgress": .own, "getSeasonWatched": .own, "markSeasonWatched": .own, "unmarkSeasonWatched": .own,
        "getSeasonProgress": .own, "getEpisodeWatched": .own, "markEpisodeWatched": .own, "unmarkEpisodeWatched": .own,
        "getEpisodeProgress": .own, "setEpisodeProgress": .own, "clearEpisodeProgress": .own,
        "createImport": .own, "exportLetterboxd": .own, "exportEverything": .own, "listImports": .own,
        "getImport": .addressed("importNotFound"), "cancelImport": .addressed("importNotFound"),
        "listImportRows": .addressed("importNotFound"), "correctImport": .addressed("importNotFound"),
        "setImportFileKind": .addressed("importNotFound"), "applyImport": .addressed("importNotFound"),
    ]

    /// Operations that would break the examples of others; a second factor is confirmed anyway, before it is removed.
    private static let lasting: Set = ["logout", "changePassword", "confirmSecondFactor"]
    private let surface = PublicContractTests()
    private static let operations = PublicContractTests.document.operations

    @Test("Every operation of the public surface is listed", arguments: operations)
    func listed(operation: PublicDocument.Operation) {
        #expect(Self.kinds[operation.id] != nil, "say in StrangerTests.kinds how \(operation.id) keeps people apart")
    }

    @Test("A write takes an Idempotency-Key, or says that repeating it changes nothing", arguments: operations)
    func repeatable(operation: PublicDocument.Operation) {
        guard operation.method == "POST" || operation.method == "PATCH" else { return }
        #expect(operation.takesKey != operation.isRepeatable, "\(operation.id)")
    }

    @Test("An operation for administrators refuses everybody else", arguments: operations.filter(\.isForAdministrators))
    func administrators(operation: PublicDocument.Operation) async throws {
        // The very first person is an administrator.
        _ = try await surface.join()
        let member = try await surface.join()
        let example = try #require(operation.example)
        let answer = try await surface.send(example, member.names, token: member.token).answer
        try surface.expect(answer, isProblem: "forbidden", of: operation)
    }

    /// The answers to every read of only `person`'s own data, by operation, as far as `isWanted`.
    func view(
        _ person: PublicContractTests.Person, _ names: [String: String],
        where isWanted: (PublicDocument.Request) -> Bool = { _ in true }
    ) async throws -> [String: String] {
        try await withThrowingTaskGroup(of: (String, String).self) { group in
            for operation in Self.operations where operation.method == "GET" {
                guard case .own? = Self.kinds[operation.id], let example = operation.example, isWanted(example) else {
                    continue
                }
                group.addTask {
                    (operation.id, try await surface.send(example, names, token: person.token).answer.text)
                }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
    }

    @Test("What one person does leaves another's things as they are, and shows nothing of them")
    func apart() async throws {
        let alice = try await surface.join()
        // Alice has done whatever the examples need, and everything that leaves something behind.
        var names = alice.names
        for operation in Self.operations where !operation.isOpen && !operation.isForAdministrators {
            guard let example = operation.example else { continue }
            names.merge(try await surface.prepare(example, alice)) { _, new in new }
            guard operation.method == "POST", !Self.lasting.contains(operation.id) else { continue }
            _ = try await surface.send(example, names, token: alice.token)
        }
        try await letImportsRest(alice)
        let database = try #require(Stack.current).database
        let alicesID = try #require(
            try await database.query(
                "SELECT id FROM gateway.users WHERE username_key = '\(alice.names["a-person"] ?? "")'"
            ).first)
        // A session's last use is recorded only now and then; cleared before the first look, it does not change between
        // the two.
        _ = try await database.query("UPDATE gateway.sessions SET last_used_at = NULL WHERE user_id = '\(alicesID)'")
        let before = try await view(alice, names)

        for operation in Self.operations where !operation.isOpen && !operation.isDocument {
            let example = try #require(operation.example)
            let bob = try await surface.join()
            // Bob knows every id of Alice's, and his own name.
            let known = names.merging(bob.names) { _, new in new }
            let answer = try await surface.send(example, known, token: bob.token).answer
            #expect(!answer.text.contains(alicesID), "\(operation.id): \(answer.text)")
            #expect(!answer.text.contains(alice.names["a-person"] ?? "?"), "\(operation.id): \(answer.text)")
            // Bob has rated nothing of what he has only read about.
            if operation.method == "GET" {
                #expect(!answer.text.contains("my_rating"), "\(operation.id): \(answer.text)")
            }
            if case .addressed(let error)? = Self.kinds[operation.id] {
                try surface.expect(answer, isProblem: error, of: operation)
            }
        }
        let after = try await view(alice, names)
        for (operation, answer) in before {
            #expect(withoutUse(after[operation] ?? "") == withoutUse(answer), "\(operation)")
        }
    }

    /// A rating may name a play in its body; once, anyone's play was accepted.
    @Test("A play that a body names is one's own, and of the title that the body is about")
    func namedInBodies() async throws {
        let (alice, bob) = (try await surface.join(), try await surface.join())
        let base = "http://127.0.0.1:\(try #require(Stack.current).service("gateway").port)/api/v1"
        func post(_ path: String, _ body: String, _ person: PublicContractTests.Person) async throws -> Wire.Answer {
            try await Wire.send(
                "POST", base + path,
                headers: ["authorization": "Bearer \(person.token)", "content-type": "application/json"], body: body)
        }
        func id(_ member: String, _ answer: Wire.Answer) throws -> String {
            try #require(try Tree(json: answer.body)[member]?.text, "\(answer.text)")
        }
        var films: [String] = []
        for imdb in ["tt9100001", "tt9100002"] {
            films.append(try id("id", try await post("/movies/resolve", #"{"ids":{"imdb":"\#(imdb)"}}"#, alice)))
        }
        let played = #"{"title":"\#(films[0])","watched_on":"2024-11-02"}"#
        let hers = try id("play", try await post("/history", played, alice))
        let his = try id("play", try await post("/history", played, bob))
        let cases: [(film: Int, play: String, person: PublicContractTests.Person, isTaken: Bool)] = [
            (0, hers, bob, false), (0, his, alice, false), (1, his, bob, false), (0, hers, alice, true),
            (0, his, bob, true),
        ]
        for (film, play, person, isTaken) in cases {
            let one = try await post("/movies/\(films[film])/rate", #"{"rating":8,"play":"\#(play)"}"#, person)
            #expect(one.status == (isTaken ? 200 : 404), "\(one.text)")
            #expect(one.text.contains("playNotFound") != isTaken, "\(one.text)")
            let many = try await post(
                "/ratings/bulk", #"{"items":[{"title":"\#(films[film])","rating":8,"play":"\#(play)"}]}"#, person)
            #expect(many.status == 200 && many.text.contains("invalid") != isTaken, "\(many.text)")
        }
    }

    /// Waits for imports, which continue in the background and look different each time until they come to rest.
    private func letImportsRest(_ person: PublicContractTests.Person) async throws {
        let base = "http://127.0.0.1:\(try #require(Stack.current).service("gateway").port)/api/v1/imports"
        let headers = ["authorization": "Bearer \(person.token)"]
        let list = try Tree(json: try await Wire.send("GET", base + "?limit=100", headers: headers).body)
        for item in list["imports"]?.items ?? [] {
            let id = try #require(item["id"]?.text)
            _ = try await Wire.send("GET", "\(base)/\(id)?wait=true", headers: headers)
        }
    }

    private func withoutUse(_ text: String) -> String {
        // External scores are shared, and may be refreshed meanwhile.
        text.replacing(/,"(last_used_at|trace_id)":"[^"]*"/, with: "")
            .replacing(/"external_ratings":\[[^\]]*\]/, with: "")
            // A stream begins at a place in the order of everybody's events.
            .replacing(/\nid: [0-9]+-[0-9]+\n/, with: "\n")
    }
}
