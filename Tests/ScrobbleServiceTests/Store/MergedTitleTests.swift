import Contracts
import Postgres
import Store
import TestSupport
import Testing

@testable import ScrobbleService

/// Titles that turn out to be the same, in a real Postgres.
@Suite struct MergedTitleTests {
    private static func move(_ number: Int, _ old: Int, _ new: Int) -> TitleRedirect {
        TitleRedirect(
            number: number, old: LedgerFixture.title(old), new: LedgerFixture.title(new),
            mergedAt: LedgerFixture.start)
    }

    private static func apply(_ moves: [TitleRedirect], _ fixture: LedgerFixture) async throws {
        let refs = TitleRefStore(database: Database(pool: fixture.pool))
        for step in TitleMoves.steps(moves) { try await refs.apply(step, until: LedgerFixture.deadline()) }
    }

    @Test(
        "Everything of a merged title is under the one that stays; plays meet by the rules, shelves keep the last word")
    func meeting() async throws {
        try await LedgerFixture.with { fixture in
            let deadline = LedgerFixture.deadline()
            // The same evening reported under both ids, and a play that only the old id has.
            let plays = try await fixture.add(
                [
                    fixture.play(1, at: 0, from: "trakt", key: "a"), fixture.play(2, at: 60, from: "plex", key: "b"),
                    fixture.play(1, at: 900_000, from: "trakt", key: "c"),
                ], nil)
            func wish(_ title: Int, _ note: String) -> ShelfItem<WatchlistDetails> {
                ShelfItem(
                    title: LedgerFixture.title(title), kind: .movie, at: LedgerFixture.start,
                    details: WatchlistDetails(note: note))
            }
            _ = try await fixture.shelves.put([wish(1, "old")], by: fixture.hand(at: 5), until: deadline)
            _ = try await fixture.shelves.put([wish(2, "new")], by: fixture.hand(at: 9), until: deadline)
            _ = try await fixture.shelves.put([wish(3, "alone")], by: fixture.hand(at: 5), until: deadline)
            let like = ShelfItem(
                title: LedgerFixture.title(1), kind: .movie, at: LedgerFixture.start, details: LikeDetails())
            _ = try await fixture.shelves.put([like], by: fixture.hand(), until: deadline)

            for _ in 0..<2 {
                try await Self.apply([Self.move(1, 1, 2), Self.move(2, 3, 4), Self.move(3, 4, 5)], fixture)
                let store = ScrobbleStore(database: Database(pool: fixture.pool))
                let history = try await store.plays(of: fixture.user, after: .newest, limit: 9, until: deadline)
                #expect(history.map(\.play.title) == [LedgerFixture.title(2), LedgerFixture.title(2)])
                #expect(Set(history.map(\.play.id)).contains(plays[2].play))
                let roads = try await fixture.everything().filter { $0.hasPrefix("road") }
                #expect(roads.count == 3)
                let wishes = try await fixture.shelves.page(
                    of: fixture.user, as: WatchlistDetails.self, after: .newest, kinds: nil, limit: 9, until: deadline)
                #expect(
                    Set(wishes.map { "\($0.item.title.uuid.low) \($0.item.details.note ?? "")" }) == [
                        "2 new", "5 alone",
                    ])
                let likes = try await fixture.shelves.page(
                    of: fixture.user, as: LikeDetails.self, after: .newest, kinds: nil, limit: 9, until: deadline)
                #expect(likes.map(\.item.title) == [LedgerFixture.title(2)])
            }
            // The same file is recognized again, under either id.
            let again = try await fixture.add([fixture.play(2, at: 0, from: "trakt", key: "a")], nil)
            #expect(again.map(\.isNew) == [false])
        }
    }

    @Test("A batch is taken back though its titles were merged meanwhile")
    func undoing() async throws {
        try await LedgerFixture.with { fixture in
            let deadline = LedgerFixture.deadline()
            let batch = try await fixture.newBatch()
            let items = (1...3).map {
                ShelfItem(
                    title: LedgerFixture.title($0), kind: .movie, at: LedgerFixture.start,
                    details: WatchlistDetails(note: nil))
            }
            _ = try await fixture.shelves.put(items, by: fixture.file(batch), until: deadline)
            _ = try await fixture.add([fixture.play(1, at: 0, from: "letterboxd", key: "a")], batch)
            try await Self.apply([Self.move(1, 1, 7)], fixture)
            #expect(try await fixture.undo(batch) == UndoCounts(restored: 4, kept: 0))
            #expect(try await fixture.everything().isEmpty)
        }
    }

    /// Rows of syncs and imports under two titles, and everything that refers to the plays of both.
    private static let beside = [
        """
        INSERT INTO sync_base (user_id, provider, facet, item_id, title_id, kind, value) VALUES
            ($1, 'trakt', 'ratings', $2, $2, 'movie', 'old'), ($1, 'trakt', 'ratings', $3, $3, 'movie', 'new'),
            ($1, 'simkl', 'ratings', $2, $2, 'movie', 'alone'), ($1, 'trakt', 'history', $4, $2, 'movie', 'play')
        """,
        """
        INSERT INTO sync_changes (user_id, run_id, position, facet, side, title_id, kind, state) VALUES
            ($1, $2, 1, 'ratings', 'ours', $2, 'movie', 'held'), ($1, $2, 2, 'ratings', 'ours', $2, 'movie', 'done')
        """,
        """
        INSERT INTO sync_conflicts (user_id, id, provider, facet, title_id, kind, ours, theirs, run_id, created_at)
        VALUES ($1, $2, 'trakt', 'ratings', $2, 'movie', '8', '9', $2, '2026-01-02'),
            ($1, $3, 'trakt', 'ratings', $3, 'movie', '7', '9', $2, '2026-01-01')
        """,
        "INSERT INTO remote_titles (provider, kind, number, title_id) VALUES ('trakt', 'movie', 1, $2), ('trakt', 'movie', 2, $3)",
        """
        INSERT INTO imports (user_id, id, time_zone, created_at, updated_at) VALUES ($1, $2, 'UTC', now(), now())
        """,
        """
        INSERT INTO import_items (user_id, import_id, item_key, query, match, title_id, title_kind, series_id)
        VALUES ($1, $2, 'a', '{}', 'known', $2, 'movie', NULL), ($1, $2, 'b', '{}', 'known', $3, 'episode', $2)
        """,
        "INSERT INTO match_overrides (user_id, item_key, title_id, changed_at) VALUES ($1, 'a', $2, now())",
        """
        INSERT INTO playback_sessions
            (user_id, id, title_id, kind, state, progress_percent, started_at, updated_at, expires_at, play_id)
        VALUES ($1, $4, $2, 'movie', 'stopped', 95, now(), now(), now(), $4)
        """,
        """
        INSERT INTO play_notes (user_id, play_id, is_rewatch, tags, is_spoiler, source, changed_at)
        VALUES ($1, $4, false, '{dusk}', false, 'letterboxd', now())
        """,
        """
        INSERT INTO hooks (user_id, id, name, secret_hash, time_zone, removes_plays, created_at)
        VALUES ($1, $2, 'den', sha256('x'), 'UTC', false, now())
        """,
        """
        INSERT INTO hook_deliveries (user_id, id, hook_id, payload, state, title_ids, play_ids, received_at)
        VALUES ($1, $2, $2, '', 'done', ARRAY[$2::uuid], ARRAY[$4::uuid], now())
        """,
    ]

    private static let besideNow = PGStatement(
        "tests.beside",
        """
        SELECT 'base ' || provider || ' ' || facet || ' ' || value || ' ' || title_id || ' '
            || CASE item_id WHEN title_id THEN 'title' WHEN $2 THEN 'stays' ELSE 'other' END
            FROM sync_base WHERE user_id = $1
        UNION ALL SELECT 'change ' || state || ' ' || title_id FROM sync_changes WHERE user_id = $1
        UNION ALL SELECT 'conflict ' || ours || ' ' || title_id FROM sync_conflicts WHERE user_id = $1
        UNION ALL SELECT provider || ' ' || number || ' ' || title_id FROM remote_titles
        UNION ALL SELECT 'item ' || item_key || ' ' || title_id || ' ' || coalesce(series_id::text, '-')
            FROM import_items WHERE user_id = $1
        UNION ALL SELECT 'override ' || title_id FROM match_overrides WHERE user_id = $1
        UNION ALL SELECT 'sitting ' || title_id || ' ' || (play_id = $2) FROM playback_sessions WHERE user_id = $1
        UNION ALL SELECT 'note ' || tags::text || ' ' || (play_id = $2) FROM play_notes WHERE user_id = $1
        UNION ALL SELECT 'delivery ' || (play_ids = ARRAY[$2]) FROM hook_deliveries WHERE user_id = $1
        ORDER BY 1
        """
    ) { row throws(PGError) in try row.next(String.self) }

    @Test("What syncs, imports, sittings, notes and hooks know of a merged title and its plays leads to what stays")
    func beside() async throws {
        try await LedgerFixture.with { fixture in
            let (old, new) = (LedgerFixture.title(1), LedgerFixture.title(2))
            let batch = try await fixture.newBatch()
            // The play that stays was known first.
            let stays = try await fixture.add([fixture.play(2, at: 60, from: "plex", key: "b")], nil)[0].play
            let gone = try await fixture.add([fixture.play(1, at: 0, from: "letterboxd", key: "a")], batch)[0].play
            for (number, sql) in Self.beside.enumerated() {
                let named: [PGValue] = [.id(fixture.user), .id(old), .id(new), .id(gone)]
                let count = (1...4).last { sql.contains("$\($0)") } ?? 0
                try await fixture.pool.execute(PGCommand("tests.beside.\(number)", sql), Array(named.prefix(count)))
            }
            for _ in 0..<2 {
                try await Self.apply([Self.move(1, 1, 2)], fixture)
                #expect(
                    try await fixture.pool.query(Self.besideNow, [.id(fixture.user), .id(stays)]) == [
                        "base simkl ratings alone \(new) title", "base trakt history play \(new) stays",
                        "base trakt ratings new \(new) title", "change done \(old)", "change held \(new)",
                        "conflict 8 \(new)", "delivery true", "item a \(new) -", "item b \(new) \(new)",
                        "note {dusk} true", "override \(new)", "sitting \(new) true", "trakt 1 \(new)",
                        "trakt 2 \(new)",
                    ])
            }
            // The batch only reported a play that others report too: undoing it removes its road.
            #expect(try await fixture.undo(batch) == UndoCounts(restored: 1, kept: 0))
            let left = try await fixture.everything()
            #expect(left.count { $0.hasPrefix("play ") } == 1)
            #expect(left.filter { $0.hasPrefix("road ") }.allSatisfy { $0.contains("plex") })
        }
    }

    /// The columns that name titles or plays, and how merges handle them.
    private static let columns: [String: String] = [
        "batch_changes.item_id": "looked up through merged_titles; plays are joined",
        "collection_items.title_id": "re-keyed",
        "hook_deliveries.play_ids": "joined", "hook_deliveries.title_ids": "what happened then",
        "import_items.series_id": "re-keyed", "import_items.title_id": "re-keyed", "likes.title_id": "re-keyed",
        "list_items.title_id": "re-keyed", "match_overrides.title_id": "re-keyed", "play_notes.play_id": "joined",
        "play_sources.play_id": "joined", "playback_sessions.play_id": "joined",
        "playback_sessions.title_id": "re-keyed",
        "plays.series_id": "re-keyed", "plays.title_id": "re-keyed", "remote_titles.title_id": "re-keyed",
        "queue_outcomes.media_id": "what happened then", "scrobble_queue.media_id": "metadata answers for it",
        "series_refs.series_id": "forgotten and asked for again", "sync_base.item_id": "re-keyed, plays joined",
        "sync_base.title_id": "re-keyed", "sync_changes.play_id": "a play that is gone is left alone",
        "sync_changes.title_id": "re-keyed while it is open", "sync_conflicts.title_id": "re-keyed while it is open",
        "title_refs.series_id": "forgotten and asked for again", "title_refs.title_id": "forgotten and asked for again",
        "watch_progress.title_id": "re-keyed",
        "watchlist_items.title_id": "re-keyed",
    ]

    @Test("Every column that names a title or a play is one that merges were thought of for")
    func columns() async throws {
        try await LedgerFixture.with { fixture in
            let named = PGStatement(
                "tests.columns",
                """
                SELECT table_name || '.' || column_name FROM information_schema.columns
                WHERE table_schema = current_schema() AND column_name ~ '^(title|series|media|play|item)_ids?$'
                ORDER BY 1
                """
            ) { row throws(PGError) in try row.next(String.self) }
            let found = try await fixture.pool.query(named)
            #expect(Set(found) == Set(Self.columns.keys))
        }
    }

    @Test("Merges are applied in portions in which no title goes and stays, in the order in which they came")
    func portions() {
        let moves = [
            Self.move(1, 1, 2), Self.move(2, 3, 4), Self.move(3, 2, 5), Self.move(4, 6, 5), Self.move(5, 7, 8),
        ]
        #expect(TitleMoves.steps(moves).map { $0.map(\.number) } == [[1, 2], [3], [4, 5]])
        #expect(TitleMoves.steps([Self.move(1, 1, 1)]).isEmpty)
    }
}
