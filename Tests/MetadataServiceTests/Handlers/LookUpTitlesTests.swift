import Contracts
import Postgres
import RPC
import Store
import Synchronization
import TestSupport
import Testing

@testable import MetadataService

/// Titles that are sent again only if something that is told about them has changed.
@Suite struct LookUpTitlesTests {
    private static func look(_ replica: Replica, _ wanted: [KnownTitle]) async throws -> [VersionedTitle] {
        try await LookUpTitles(store: replica.store, demand: replica.demand)
            .run(LookUpTitlesParams(wanted: wanted), Replica.context()).found
    }

    private static func version(of title: TitleID, _ replica: Replica) async throws -> String {
        try #require(try await look(replica, [KnownTitle(title: title)]).first).version
    }

    private static func local(_ imdb: String, _ replica: Replica) async throws -> Title {
        try await replica.resolve(
            ResolveTitleParams(kind: .movie, ids: ExternalIds(imdb: imdb), name: imdb))
    }

    @Test("What is known as it is comes with its version alone, all else whole; unknown ids are left out")
    func known() async throws {
        try await TestDatabase.withReplicas(1, migrations: MetadataService.migrations) { pools in
            let replica = Replica(pools[0], [])
            let one = try await Self.local("tt9100001", replica)
            let other = try await Self.local("tt9100002", replica)
            let nobody = TitleID(UUIDBits(high: 1, low: 2))
            let version = try await Self.version(of: one.id, replica)
            let found = try await Self.look(
                replica,
                [
                    KnownTitle(title: one.id, known: version), KnownTitle(title: other.id, known: "no version"),
                    KnownTitle(title: nobody), KnownTitle(title: other.id),
                ])
            #expect(found.first { $0.asked == one.id } == VersionedTitle(asked: one.id, version: version))
            #expect(found.filter { $0.asked == other.id }.map(\.title) == [other, other])
            #expect(found.count == 3)
        }
    }

    @Test("Each answer tells of which version of everything in the database it is, and any change is another")
    func data() async throws {
        try await TestDatabase.withReplicas(2, migrations: MetadataService.migrations) { pools in
            let replicas = [Replica(pools[0], []), Replica(pools[1], [])]
            let wanted = [KnownTitle(title: try await Self.local("tt9100001", replicas[0]).id)]
            func data(_ wanted: [KnownTitle]) async throws -> String? {
                try await LookUpTitles(store: replicas[0].store, demand: replicas[0].demand)
                    .run(LookUpTitlesParams(wanted: wanted), Replica.context()).data
            }
            let before = try #require(try await data(wanted))
            _ = try await Self.local("tt9100002", replicas[1])
            #expect(try await data(wanted) != before)
            // Something else may commit between the two questions, such as the server's own statistics.
            let isAlike = try await eventually {
                try await data(wanted) == Database(pool: pools[1]).version(until: .now + .seconds(20))
            }
            #expect(isAlike)
            #expect(try await data([]) == nil)
        }
    }

    /// Single-statement changes, as any writer could make them: `$1` and `$2` are two titles.
    private static let changes: [(name: String, text: String, changed: [Bool])] = [
        ("a name", "UPDATE titles SET name = 'x' WHERE id = $1 AND $2::uuid IS NOT NULL", [true, false]),
        (
            "scores",
            """
            UPDATE titles SET external_ratings = '[{"source": "imdb", "name": "IMDb", "value": "7.8/10", "score": 78,
                "via": "omdb", "fetched_at": "2026-11-01T12:00:00Z", "status": "fresh"}]'
            WHERE id = $2 AND $1::uuid IS NOT NULL
            """, [false, true]
        ),
        (
            "an id", "INSERT INTO external_ids SELECT 'tmdb', 'movie', '910001', $1 WHERE $2::uuid IS NOT NULL",
            [true, false]
        ),
        (
            "an id that goes to another title",
            "UPDATE external_ids SET title_id = $2 WHERE title_id = $1 AND source = 'tmdb'", [true, true]
        ),
        (
            "an id that goes",
            "DELETE FROM external_ids WHERE title_id = $2 AND source = 'tmdb' AND $1::uuid IS NOT NULL", [false, true]
        ),
        (
            "what was merged",
            "INSERT INTO title_redirects SELECT gen_random_uuid(), $2, now() WHERE $1::uuid IS NOT NULL", [false, true]
        ),
        (
            "what was merged and goes on to another",
            "UPDATE title_redirects SET new_id = $1 WHERE new_id = $2", [true, true]
        ),
        (
            "a turn",
            "UPDATE title_refresh SET due_at = now() WHERE title_id = $1 AND $2::uuid IS NOT NULL", [false, false]
        ),
    ]

    @Test("Everything that is told of a title changes its version, and nothing else does", arguments: 0..<8)
    func versions(_ last: Int) async throws {
        try await TestDatabase.withReplicas(1, migrations: MetadataService.migrations) { pools in
            let replica = Replica(pools[0], [])
            let titles = [
                try await Self.local("tt9100001", replica).id, try await Self.local("tt9100002", replica).id,
            ]
            var before: [VersionedTitle] = []
            // The earlier changes create what the last one changes.
            for change in Self.changes[...last] {
                before = try await Self.look(replica, titles.map { KnownTitle(title: $0) })
                _ = try await pools[0].execute(
                    PGCommand("tests.change", change.text), [.id(titles[0]), .id(titles[1])],
                    deadline: .now + .seconds(20))
            }
            let known = before.map { KnownTitle(title: $0.asked, known: $0.version) }
            let told = try await Self.look(replica, known).filter { $0.title != nil }.map(\.asked)
            let due = zip(titles, Self.changes[last].changed).filter(\.1).map(\.0)
            #expect(Set(told) == Set(due), "\(Self.changes[last].name)")
            let after = try await Self.look(replica, titles.map { KnownTitle(title: $0) })
            for old in before {
                let new = try #require(after.first { $0.asked == old.asked })
                if old.version == new.version { #expect(old.title == new.title) }
            }
        }
    }

    @Test("Titles that become one are told anew to those who knew either, under both ids")
    func merge() async throws {
        try await TestDatabase.withReplicas(1, migrations: MetadataService.migrations) { pools in
            let replica = Replica(pools[0], [])
            let one = try await Self.local("tt9100001", replica)
            let other = try await Self.local("tt9100002", replica)
            var known: [KnownTitle] = []
            for title in [one.id, other.id] {
                known.append(KnownTitle(title: title, known: try await Self.version(of: title, replica)))
            }
            let (stays, goes) = (min(one.id, other.id), max(one.id, other.id))
            try await replica.store.merge(
                goes, into: stays, at: Timestamp(clampingMicrosecondsSinceEpoch: 0), until: .now + .seconds(20))
            let found = try await Self.look(replica, known)
            #expect(found.map { $0.title?.id } == [stays, stays])
            #expect(Set(found.map(\.asked)) == [one.id, other.id])
        }
    }
}
