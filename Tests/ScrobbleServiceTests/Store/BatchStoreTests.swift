import Contracts
import Postgres
import RPC
import Store
import TestSupport
import Testing

@testable import ScrobbleService

/// Batches in a real Postgres: what they write, and undoing it.
@Suite struct BatchStoreTests {
    private static func wish(_ title: Int, at seconds: Int = 0) -> ShelfItem<WatchlistDetails> {
        ShelfItem(
            title: LedgerFixture.title(title), kind: .movie, at: LedgerFixture.at(seconds),
            details: WatchlistDetails(note: "\(seconds)"))
    }

    private static func item(_ title: Int) -> ShelfItem<ListItemDetails> {
        ShelfItem(
            title: LedgerFixture.title(title), kind: .movie, at: LedgerFixture.start,
            details: ListItemDetails(note: nil, rank: nil))
    }

    /// Writes some of everything: additions, changes of existing items, and removals.
    private static func write(_ fixture: LedgerFixture, _ batch: BatchID?, _ road: String, at seconds: Int) async throws
    {
        let deadline = LedgerFixture.deadline()
        let writer = LedgerWriter(
            user: fixture.user, source: road, batch: batch, at: LedgerFixture.at(seconds), authority: .plan)
        _ = try await fixture.shelves.put(
            (0..<5).map { wish($0 + seconds % 3, at: seconds) }, by: writer, until: deadline)
        _ = try await fixture.shelves.remove(
            [LedgerFixture.title(1)], as: WatchlistDetails.self, at: LedgerFixture.at(seconds), by: writer,
            until: deadline)
        _ = try await fixture.shelves.put(
            [
                ShelfItem(
                    title: LedgerFixture.title(seconds % 2), kind: .movie, at: LedgerFixture.at(seconds),
                    details: ProgressDetails(percent: Double(seconds)))
            ], by: writer, until: deadline)
        let lists = try await fixture.lists.put(
            [
                NewList(
                    name: "Sea \(seconds)", description: nil, isRanked: false, createdAt: LedgerFixture.start,
                    sourceKey: "sea")
            ], by: writer, until: deadline)
        if let list = lists?.first?.id {
            _ = try await fixture.lists.put(
                [item(seconds), item(seconds + 1)], on: list, by: writer, until: deadline)
        }
        _ = try await fixture.add(
            (0..<4).map { fixture.play($0, at: $0 * 86_400 + seconds, from: road, key: "\($0) \(seconds)") }
                + [fixture.play(9, at: 0, from: road, key: "day \(seconds)", day: seconds % 2 == 0)], batch)
    }

    @Test("Taking back everything of a batch leaves the ledger exactly as it was before")
    func exact() async throws {
        try await LedgerFixture.with { fixture in
            try await Self.write(fixture, nil, "person", at: 1)
            let before = try await fixture.everything()
            let batch = try await fixture.newBatch()
            try await Self.write(fixture, batch, "trakt", at: 2)
            #expect(try await fixture.everything() != before)
            let counts = try await fixture.undo(batch)
            #expect(counts.kept == 0)
            #expect(counts.restored > 8)
            #expect(try await fixture.everything() == before)
            // Undoing again changes nothing.
            #expect(try await fixture.undo(batch) == counts)
            #expect(try await fixture.everything() == before)
            // The same data arrives again, as if it had never been there.
            let again = try await fixture.newBatch()
            try await Self.write(fixture, again, "trakt", at: 2)
            #expect(try await fixture.undo(again) == counts)
            #expect(try await fixture.everything() == before)
        }
    }

    @Test("Two batches, taken back in either order, leave nothing of either", arguments: [false, true])
    func order(lastFirst: Bool) async throws {
        try await LedgerFixture.with { fixture in
            let one = try await fixture.newBatch()
            try await Self.write(fixture, one, "letterboxd", at: 3)
            let between = try await fixture.everything()
            let two = try await fixture.newBatch()
            try await Self.write(fixture, two, "trakt", at: 4)
            if lastFirst {
                _ = try await fixture.undo(two)
                #expect(try await fixture.everything() == between)
                _ = try await fixture.undo(one)
                #expect(try await fixture.everything().isEmpty)
            } else {
                let first = try await fixture.undo(one)
                #expect(first.kept > 0, "what the second batch wrote over stays")
                #expect(try await fixture.everything().contains { $0.contains("letterboxd") } == false)
            }
        }
    }

    @Test(
        "A play that one batch made and others have moved is gone once all of them are taken back, in any order",
        arguments: [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
    func moves(order: [Int]) async throws {
        try await LedgerFixture.with { fixture in
            var batches: [BatchID] = []
            for day in 0..<3 {
                batches.append(try await fixture.newBatch())
                let play = fixture.play(1, at: day * 30 * 86_400, from: "letterboxd", key: "entry", day: true)
                let verdict = try #require(try await fixture.add([play], batches[day], moving: true).first)
                let isMoved = if case .moved = verdict { true } else { false }
                #expect(isMoved == (day > 0), "\(verdict)")
            }
            var left = [0, 1, 2]
            for index in order {
                _ = try await fixture.undo(batches[index])
                left.removeAll { $0 == index }
                let rows = try await fixture.everything()
                let date = left.last.map { LedgerFixture.at($0 * 30 * 86_400).date }
                #expect(rows.count == (date == nil ? 0 : 2), "\(order), after \(index): \(rows)")
                if let date {
                    #expect(rows.contains { $0.hasPrefix("play") && $0.contains("\(date)") }, "\(order), \(rows)")
                }
            }
        }
    }

    // Previously, a batch that reported the play after the exact one matched the exact one's entry, and the play stayed
    // where the exact one was undone first.
    @Test(
        "A play that one batch made, one told of and one knew more exactly is gone once all of them are taken back",
        arguments: [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]], [1, 2])
    func refinements(order: [Int], exact: Int) async throws {
        try await LedgerFixture.with { fixture in
            var batches: [BatchID] = []
            for (index, road) in ["letterboxd", "imdb", "trakt"].enumerated() {
                batches.append(try await fixture.newBatch(road))
                let play = fixture.play(1, at: 0, from: road, key: "entry", day: index != exact)
                let verdicts = try await fixture.add([play], batches[batches.count - 1])
                #expect(verdicts.count == 1)
            }
            #expect(try await fixture.everything().count == 4, "one play, three roads")
            for index in order.dropLast() {
                _ = try await fixture.undo(batches[index])
                #expect(try await fixture.everything().contains { $0.hasPrefix("play") }, "\(order), after \(index)")
            }
            _ = try await fixture.undo(batches[order[2]])
            #expect(try await fixture.everything().isEmpty, "\(order)")
        }
    }

    /// Previously, undoing the second batch also removed the first one's road, and the same file created the play
    /// again.
    @Test("A play that its person moved between two batches is known to the first when that comes again")
    func movedByHand() async throws {
        try await LedgerFixture.with { fixture in
            let entry = fixture.play(1, at: 0, from: "letterboxd", key: "entry", day: true)
            let first = try await fixture.newBatch()
            let made = try #require(try await fixture.add([entry], first).first).play
            let day = LedgerFixture.at(30 * 86_400)
            let edited = try await fixture.ledger.edit(
                made, to: .day(day.date), timeZone: "UTC", by: fixture.hand(at: 50), until: LedgerFixture.deadline())
            #expect(edited?.id == made)
            let second = try await fixture.newBatch("trakt")
            let exact = fixture.play(1, at: 30 * 86_400 + 3_600, from: "trakt", key: "1")
            #expect(try await fixture.add([exact], second) == [.same(made)])
            _ = try await fixture.undo(first)
            _ = try await fixture.undo(second)
            let again = try await fixture.newBatch()
            #expect(try await fixture.add([entry], again) == [.known(made)])
            #expect(try await fixture.everything().count { $0.hasPrefix("play") } == 1)
        }
    }

    private static let noteRows = PGStatement(
        "tests.noteRows",
        "SELECT (to_jsonb(n) - 'changed_at')::text FROM play_notes n WHERE user_id = $1 ORDER BY play_id"
    ) { row throws(PGError) in try row.next(String.self) }

    @Test(
        "What imports wrote beside one play, taken back in any order, leaves at each step what the rest of them wrote",
        arguments: [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
    func notes(order: [Int]) async throws {
        try await LedgerFixture.with { fixture in
            let (user, deadline) = (fixture.user, LedgerFixture.deadline())
            let imports = ImportStore(database: Database(pool: fixture.pool))
            func put(_ review: String, _ plays: [PlayID], _ batch: BatchID) async throws {
                var note = ImportPlan.Note()
                note.review = review
                note.tags = ["tag of \(review)"]
                try await imports.putNotes(
                    plays.map { (play: $0, note: note) }, of: user, from: "letterboxd", in: batch,
                    at: LedgerFixture.start, until: deadline)
            }
            let plays = try await fixture.add(
                (1...2).map { fixture.play($0, at: 0, from: "manual", key: "\($0)") }, nil, byHand: true
            ).map(\.play)
            // The first play already has a note.
            try await put("old", [plays[0]], try await fixture.newBatch())
            let before = try await fixture.pool.query(Self.noteRows, [.id(user)])
            var batches: [BatchID] = []
            for name in ["A", "B", "C"] {
                batches.append(try await fixture.newBatch())
                try await put(name, plays, batches[batches.count - 1])
            }
            // A correction in an import that another one has followed.
            try await put("A again", plays, batches[0])
            var left = [(0, "A"), (1, "B"), (2, "C"), (0, "A again")]
            for index in order {
                try await fixture.batches.undoNotes(of: batches[index], user, until: deadline)
                left.removeAll { $0.0 == index }
                let found = try await imports.notes(of: plays, user, until: deadline)
                for (play, first) in zip(plays, ["old", nil]) {
                    let review = left.last?.1 ?? first
                    #expect(found[play]?.note.review == review, "\(order), after \(index)")
                    #expect(found[play]?.note.tags == review.map { ["tag of \($0)"] }, "\(order), after \(index)")
                }
            }
            #expect(try await fixture.pool.query(Self.noteRows, [.id(user)]) == before)
        }
    }

    /// Writes a review of a play.
    private static func put(
        _ review: String, _ play: PlayID, _ batch: BatchID, from source: String = "letterboxd", _ fixture: LedgerFixture
    ) async throws {
        var note = ImportPlan.Note()
        note.review = review
        try await ImportStore(database: Database(pool: fixture.pool)).putNotes(
            [(play: play, note: note)], of: fixture.user, from: source, in: batch, at: LedgerFixture.start,
            until: LedgerFixture.deadline())
    }

    private static func review(_ play: PlayID, _ fixture: LedgerFixture) async throws -> String? {
        try await ImportStore(database: Database(pool: fixture.pool)).notes(
            of: [play], fixture.user, until: LedgerFixture.deadline())[play]?.note.review
    }

    @Test(
        "A note that several imports tell stays until the last of them is taken back, also over what was there before",
        arguments: [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]], [false, true])
    func sameNote(order: [Int], isFirst: Bool) async throws {
        try await LedgerFixture.with { fixture in
            let play = try #require(
                try await fixture.add([fixture.play(1, at: 0, from: "manual", key: "1")], nil, byHand: true).first?.play
            )
            if !isFirst { try await Self.put("old", play, try await fixture.newBatch(), fixture) }
            let before = try await fixture.pool.query(Self.noteRows, [.id(fixture.user)])
            var batches: [BatchID] = []
            for _ in 0..<2 { batches.append(try await fixture.newBatch()) }
            for batch in batches + batches { try await Self.put("same", play, batch, fixture) }
            // From another road, only the same text is accepted.
            let other = try await fixture.newBatch("trakt")
            try await Self.put("another", play, other, from: "trakt", fixture)
            #expect(try await Self.review(play, fixture) == "same")
            try await Self.put("same", play, other, from: "trakt", fixture)
            batches.append(other)
            for (place, index) in order.enumerated() {
                #expect(try await Self.review(play, fixture) == "same", "\(order), before \(index)")
                try await fixture.batches.undoNotes(
                    of: batches[index], fixture.user, until: LedgerFixture.deadline())
                if place == 1, order[2] == 2 {
                    // The note belongs to that road now.
                    try await Self.put("newer", play, other, from: "trakt", fixture)
                    #expect(try await Self.review(play, fixture) == "newer")
                    try await Self.put("same", play, other, from: "trakt", fixture)
                }
            }
            #expect(try await Self.review(play, fixture) == (isFirst ? nil : "old"))
            #expect(try await fixture.pool.query(Self.noteRows, [.id(fixture.user)]) == before)
        }
    }

    @Test(
        "What an import did not tell of a note follows whoever told it; taken back in any order, the rest of them is left",
        arguments: [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]], [false, true])
    func partsOfNotes(order: [Int], isSame: Bool) async throws {
        try await LedgerFixture.with { fixture in
            let (user, deadline) = (fixture.user, LedgerFixture.deadline())
            let imports = ImportStore(database: Database(pool: fixture.pool))
            let play = try #require(
                try await fixture.add([fixture.play(1, at: 0, from: "manual", key: "1")], nil, byHand: true).first?.play
            )
            // The first import reports everything, the others what a diary has; they may agree.
            let tags = isSame ? ["x", "x", "x"] : ["x", "y", "z"]
            var batches: [BatchID] = []
            for (index, tag) in tags.enumerated() {
                var note = ImportPlan.Note(told: index == 0 ? .all : [.rewatch, .tags, .rating])
                note.tags = [tag]
                note.review = index == 0 ? "Fine." : nil
                batches.append(try await fixture.newBatch())
                for _ in 0..<2 {
                    try await imports.putNotes(
                        [(play: play, note: note)], of: user, from: "letterboxd", in: batches[index],
                        at: LedgerFixture.start, until: deadline)
                }
                let found = try await imports.notes(of: [play], user, until: deadline)[play]?.note
                #expect(found?.review == "Fine." && found?.tags == [tag])
            }
            var left = [0, 1, 2]
            for index in order {
                try await fixture.batches.undoNotes(of: batches[index], user, until: deadline)
                left.removeAll { $0 == index }
                let found = try await imports.notes(of: [play], user, until: deadline)[play]?.note
                #expect(found?.tags == left.last.map { [tags[$0]] }, "\(order), after \(index)")
                #expect(found?.review == (left.contains(0) ? "Fine." : nil), "\(order), after \(index)")
            }
            #expect(try await fixture.pool.query(Self.noteRows, [.id(user)]).isEmpty)
        }
    }

    // Previously, the note was left without what the import beneath had reported.
    @Test("A note of which an import told only parts is not another road's too")
    func partsByAnotherRoad() async throws {
        try await LedgerFixture.with { fixture in
            let (user, deadline) = (fixture.user, LedgerFixture.deadline())
            let imports = ImportStore(database: Database(pool: fixture.pool))
            let play = try #require(
                try await fixture.add([fixture.play(1, at: 0, from: "manual", key: "1")], nil, byHand: true).first?.play
            )
            var batches: [BatchID] = []
            let tellers: [(road: String, told: ImportPlan.Note.Parts)] = [
                ("letterboxd", .all), ("letterboxd", [.rewatch, .tags, .rating]), ("trakt", .all),
            ]
            for teller in tellers {
                var note = ImportPlan.Note(told: teller.told)
                note.tags = ["x"]
                note.review = teller.told.contains(.review) ? "Fine." : nil
                let batch = try await fixture.newBatch(teller.road)
                batches.append(batch)
                try await imports.putNotes(
                    [(play: play, note: note)], of: user, from: teller.road, in: batch, at: LedgerFixture.start,
                    until: deadline)
                let review = try await Self.review(play, fixture)
                #expect(review == "Fine.", "\(teller)")
            }
            for batch in batches.dropLast() { try await fixture.batches.undoNotes(of: batch, user, until: deadline) }
            let left = try await fixture.pool.query(Self.noteRows, [.id(user)])
            #expect(left.isEmpty, "\(left)")
        }
    }

    /// The number of states kept of a note, including the present one.
    private static let noteStates = PGStatement(
        "tests.noteStates",
        """
        WITH RECURSIVE state AS (
            SELECT to_jsonb(n) AS note FROM play_notes n WHERE user_id = $1
            UNION ALL SELECT note -> 'before' FROM state WHERE jsonb_typeof(note -> 'before') = 'object'
        ) SELECT count(*) FROM state
        """
    ) { row throws(PGError) in try row.next(Int.self) }

    @Test("Of a note that imports change over and over, one state is kept for each that can be taken back")
    func boundedNotes() async throws {
        try await LedgerFixture.with { fixture in
            let (user, deadline) = (fixture.user, LedgerFixture.deadline())
            let play = try #require(
                try await fixture.add([fixture.play(1, at: 0, from: "manual", key: "1")], nil, byHand: true).first?.play
            )
            func states() async throws -> Int? { try await fixture.pool.query(Self.noteStates, [.id(user)]).first }
            let (one, two) = (try await fixture.newBatch(), try await fixture.newBatch())
            for round in 0..<5 {
                try await Self.put("one \(round)", play, one, fixture)
                try await Self.put("two \(round)", play, two, fixture)
                try await Self.put("two \(round)", play, one, fixture)
            }
            #expect(try await states() == 1)
            try await Self.put("two", play, two, fixture)
            #expect(try await states() == 2)
            // Once nobody can undo a batch any more, no earlier state needs to be kept for it.
            while try await fixture.batches.forget(
                before: LedgerFixture.at(50), at: LedgerFixture.at(200), until: deadline)
            {}
            var later: [BatchID] = []
            for name in ["three", "four"] {
                let batch = BatchID(LedgerFixture.ids.next())
                try await fixture.batches.open(
                    batch, of: user, source: "letterboxd", label: nil, as: .applied, at: LedgerFixture.at(100),
                    until: deadline)
                later.append(batch)
                try await Self.put(name, play, batch, fixture)
            }
            #expect(try await states() == 3)
            for (batch, left) in zip(later.reversed(), ["three", "two"]) {
                try await fixture.batches.undoNotes(of: batch, user, until: deadline)
                #expect(try await Self.review(play, fixture) == left)
            }
            #expect(try await states() == 1)
        }
    }

    @Test("What was edited since keeps the edit, and is named")
    func edited() async throws {
        try await LedgerFixture.with { fixture in
            let deadline = LedgerFixture.deadline()
            let batch = try await fixture.newBatch()
            _ = try await fixture.shelves.put([Self.wish(1), Self.wish(2)], by: fixture.file(batch), until: deadline)
            let plays = try await fixture.add(
                [
                    fixture.play(1, at: 0, from: "letterboxd", key: "1"),
                    fixture.play(2, at: 0, from: "letterboxd", key: "2"),
                    fixture.play(3, at: 0, from: "letterboxd", key: "3"),
                ], batch)
            let list = try #require(
                try await fixture.lists.put(
                    [
                        NewList(
                            name: "Sea", description: nil, isRanked: false, createdAt: LedgerFixture.start,
                            sourceKey: "sea")
                    ], by: fixture.file(batch), until: deadline)?.first?.id)
            _ = try await fixture.lists.put([Self.item(1)], on: list, by: fixture.file(batch), until: deadline)
            // The person changes a note, removes a play, adds one that the file also reported, and adds to the list.
            _ = try await fixture.shelves.put([Self.wish(2, at: 50)], by: fixture.hand(at: 50), until: deadline)
            _ = try await fixture.ledger.remove(
                [plays[1].play], by: fixture.hand(at: 51), telling: false, until: deadline)
            _ = try await fixture.add([fixture.play(3, at: 30, from: "manual", key: "m")], nil, byHand: true)
            _ = try await fixture.lists.put([Self.item(5)], on: list, by: fixture.hand(), until: deadline)

            let counts = try await fixture.undo(batch)
            #expect(counts == UndoCounts(restored: 3, kept: 4))
            let kept = try await fixture.batches.kept(of: batch, fixture.user, limit: 10, until: deadline)
            #expect(
                Set(kept.map { "\($0.facet) \($0.title.map { $0.uuid.low }.map(String.init) ?? "")" })
                    == ["watchlist 2", "play 2", "play 3", "list "])
            let rest = try await fixture.everything()
            #expect(rest.count { $0.hasPrefix("play") } == 2)
            #expect(rest.count { $0.hasPrefix("watchlist") } == 1)
            #expect(rest.count { $0.hasPrefix("item") } == 1)
            #expect(rest.contains { $0.hasPrefix("road") && $0.contains("manual") })
        }
    }

    @Test("A batch goes its way once, whoever pushes it")
    func states() async throws {
        try await LedgerFixture.with { fixture in
            let deadline = LedgerFixture.deadline()
            let batch = try await fixture.newBatch()
            func advance(_ state: BatchState) async throws -> BatchState? {
                try await fixture.batches.advance(
                    batch, of: fixture.user, to: state, at: LedgerFixture.at(9), until: deadline)?.state
            }
            #expect(try await advance(.undone) == nil)
            #expect(try await advance(.applied) == .applied)
            #expect(try await advance(.applied) == nil)
            #expect(try await advance(.undoing) == .undoing)
            #expect(try await fixture.batches.undoing(limit: 5, until: deadline).map(\.batch) == [batch])
            #expect(try await advance(.undone) == .undone)
            let stored = try await fixture.batches.batch(batch, of: fixture.user, until: deadline)
            #expect(stored?.appliedAt == LedgerFixture.at(9))
            #expect(stored?.undoneAt == LedgerFixture.at(9))
        }
    }

    @Test("What old batches changed is forgotten in portions, but for those that are being taken back; the rest stays")
    func forgetting() async throws {
        try await LedgerFixture.with { fixture in
            let deadline = LedgerFixture.deadline()
            let (old, taken) = (try await fixture.newBatch(), try await fixture.newBatch())
            try await Self.write(fixture, old, "trakt", at: 2)
            try await Self.write(fixture, taken, "simkl", at: 3)
            try await fixture.batches.advance(
                old, of: fixture.user, to: .applied, at: LedgerFixture.at(1), until: deadline)
            for state in [BatchState.applied, .undoing] {
                try await fixture.batches.advance(
                    taken, of: fixture.user, to: state, at: LedgerFixture.at(1), until: deadline)
            }
            let young = BatchID(LedgerFixture.ids.next())
            try await fixture.batches.open(
                young, of: fixture.user, source: "imdb", label: nil, as: .applied, at: LedgerFixture.at(100),
                until: deadline)
            try await Self.write(fixture, young, "imdb", at: 4)
            let everything = try await fixture.everything()
            while try await fixture.batches.forget(
                before: LedgerFixture.at(50), at: LedgerFixture.at(200), until: deadline)
            {}
            let changes = PGStatement(
                "tests.changes", "SELECT DISTINCT batch_id FROM batch_changes WHERE user_id = $1"
            ) { row throws(PGError) in try row.next(BatchID.self) }
            #expect(Set(try await fixture.pool.query(changes, [.id(fixture.user)])) == [taken, young])
            #expect(try await fixture.everything() == everything)
            let stored = try #require(try await fixture.batches.batch(old, of: fixture.user, until: deadline))
            #expect(stored.forgottenAt == LedgerFixture.at(200))
            #expect(
                throws: RPCError.undoExpired(
                    "this batch could be undone until \(LedgerFixture.at(200).date)")
            ) {
                try stored.checkAge()
            }
            // The old batch can no longer be undone; the others can.
            #expect(
                try await fixture.batches.advance(
                    old, of: fixture.user, to: .undoing, at: LedgerFixture.at(201), until: deadline) == nil)
            #expect(
                try await fixture.batches.advance(
                    young, of: fixture.user, to: .undoing, at: LedgerFixture.at(201), until: deadline) != nil)
        }
    }
}
