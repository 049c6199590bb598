import Foundation
import Postgres
import Stack
import Testing

@testable import GatewayService
@testable import MetadataService
@testable import RatingsService
@testable import ScrobbleService

/// An installation of before, with data: its schemas lack the newest migrations, and the services of today start on it.
@Suite(.serialized)
struct UpgradeTests {
    /// A service with its migrations, and how many of them the installation of before has: all but the newest, and no fewer
    /// than those that made its first tables.
    private struct Schema {
        let service: String
        let all: [Migration]
        let first: Int
        var before: [Migration] { Array(all.prefix(max(first, all.count - 1))) }
    }

    private static let schemas = [
        Schema(service: "metadata", all: MetadataService.migrations, first: 2),
        Schema(service: "ratings", all: RatingsService.migrations, first: 2),
        Schema(service: "scrobble", all: ScrobbleService.migrations, first: 15),
        Schema(service: "gateway", all: GatewayService.migrations, first: 2),
    ]

    /// Calls a gateway as a person.
    private struct Person {
        let base: String
        var token = ""

        @discardableResult
        func send(_ method: String, _ path: String, _ body: String? = nil) async throws -> (status: Int, text: String) {
            var headers = ["content-type": "application/json"]
            if !token.isEmpty { headers["authorization"] = "Bearer \(token)" }
            let answer = try await Wire.send(method, base + path, headers: headers, body: body)
            return (answer.status, answer.text)
        }

        func made(_ method: String, _ path: String, _ body: String, _ member: String = "id") async throws -> String {
            let answer = try await send(method, path, body)
            let json = try JSONSerialization.jsonObject(with: Data(answer.text.utf8)) as? [String: Any]
            return try #require(json?[member] as? String, "\(method) \(path): \(answer.text)")
        }
    }

    /// A life of some weeks, by every road that a frontend has.
    private static func fill(_ person: Person) async throws -> [String] {
        var films: [String] = []
        for imdb in ["tt9100001", "tt9100002", "tt9100003"] {
            films.append(try await person.made("POST", "/movies/resolve", #"{"ids":{"imdb":"\#(imdb)"}}"#))
        }
        let show = try await person.made("POST", "/shows/resolve", #"{"ids":{"imdb":"tt9100102"}}"#)
        let list = try await person.made("POST", "/lists", #"{"name":"Lighthouses"}"#)
        for (place, film) in films.enumerated() {
            for (method, path, body) in [
                ("POST", "/movies/\(film)/rate", #"{"rating":\#(place + 6).5,"review":"Kept — \#(place)"}"#),
                ("POST", "/movies/\(film)/rate", #"{"rating":\#(place + 7)}"#),
                ("POST", "/movies/\(film)/watched", #"{"watched_at":"2024-0\#(place + 1)-04T20:15:30Z"}"#),
                ("POST", "/lists/\(list)/items", #"{"items":[{"title":"\#(film)"}]}"#),
            ] {
                let answer = try await person.send(method, path, body)
                #expect((200...299).contains(answer.status), "\(method) \(path): \(answer.text)")
            }
        }
        for (method, path, body) in [
            ("POST", "/shows/\(show)/rate", #"{"rating":9}"#),
            ("POST", "/users/me/api-keys", #"{"name":"Kodi","scopes":["read"]}"#),
            ("POST", "/hooks", #"{"name":"Plex"}"#), ("POST", "/invites", "{}"),
        ] {
            let answer = try await person.send(method, path, body)
            #expect((200...299).contains(answer.status), "\(method) \(path): \(answer.text)")
        }
        let session = try await person.made("POST", "/playback/sessions", #"{"title":"\#(films[0])"}"#)
        #expect(
            try await person.send("POST", "/playback/sessions/\(session)/pause", #"{"progress_percent":40}"#).status
                == 200)
        return [
            "/users/me", "/users/me/api-keys", "/invites", "/hooks", "/history", "/ratings", "/ratings/timeline",
            "/ratings/stats", "/lists", "/lists/\(list)/items", "/movies/\(films[0])", "/movies/\(films[1])/rate",
            "/shows/\(show)", "/playback/now", "/continue-watching", "/scrobbling/connections", "/batches",
        ]
    }

    /// Puts the schema as it was, with what it could hold of the data, in the place of the present one, which stays beside it.
    private static func putBack(_ schema: Schema, _ database: StackDatabase) async throws {
        let service = schema.service
        _ = try await database.query(
            """
            ALTER SCHEMA \(service) RENAME TO \(service)_present;
            CREATE SCHEMA \(service) AUTHORIZATION reelay_\(service)
            """)
        let pool = try PGPool(
            PGConfiguration(url: database.url(of: service), applicationName: "upgrade", schema: service))
        let applied: [String]
        do {
            applied = try await Migrator(pool, schema: service, migrations: schema.before).run(
                deadline: .now + .seconds(60))
        } catch {
            await pool.shutDown()
            throw error
        }
        await pool.shutDown()
        #expect(applied.count == schema.before.count)
        _ = try await database.query(
            """
            SET session_replication_role = replica;
            DO $$
            DECLARE
                place record;
                members text;
            BEGIN
                FOR place IN SELECT c.relname AS name FROM pg_class c
                    WHERE c.relnamespace = '\(service)'::regnamespace AND c.relkind = 'r' AND c.relname <> 'schema_migrations'
                        AND to_regclass(format('\(service)_present.%I', c.relname)) IS NOT NULL
                LOOP
                    SELECT string_agg(quote_ident(o.attname), ', ') INTO members
                    FROM pg_attribute o JOIN pg_attribute p ON p.attname = o.attname
                    WHERE o.attrelid = format('\(service).%I', place.name)::regclass
                        AND p.attrelid = format('\(service)_present.%I', place.name)::regclass
                        AND o.attnum > 0 AND NOT o.attisdropped AND NOT p.attisdropped
                        AND o.attgenerated = '' AND p.attgenerated = '';
                    EXECUTE format('DELETE FROM \(service).%I', place.name);
                    EXECUTE format('INSERT INTO \(service).%1$I (%2$s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM \(service)_present.%1$I',
                        place.name, members);
                END LOOP;
                FOR place IN SELECT sequencename AS name, last_value AS number FROM pg_sequences
                    WHERE schemaname = '\(service)_present' AND last_value IS NOT NULL
                LOOP
                    IF to_regclass(format('\(service).%I', place.name)) IS NOT NULL THEN
                        PERFORM setval(format('\(service).%I', place.name), place.number);
                    END IF;
                END LOOP;
            END
            $$
            """)
    }

    /// What a schema consists of, in words that are the same wherever it came from.
    private static func shape(_ schema: String, _ database: StackDatabase) async throws -> Set<String> {
        Set(
            try await database.query(
                """
                SELECT regexp_replace(line, '\\m\(schema)\\.', '', 'g') FROM (
                    SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' '
                        || coalesce(column_default, '') || coalesce(generation_expression, '') AS line
                    FROM information_schema.columns WHERE table_schema = '\(schema)'
                    UNION ALL
                    SELECT 'index ' || regexp_replace(indexdef, ' ON \(schema)\\.', ' ON ') FROM pg_indexes
                    WHERE schemaname = '\(schema)'
                    UNION ALL
                    SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
                    FROM pg_constraint WHERE connamespace = '\(schema)'::regnamespace
                    UNION ALL
                    SELECT 'trigger ' || tgrelid::regclass || ' ' || tgname FROM pg_trigger t
                    JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = '\(schema)'::regnamespace AND NOT tgisinternal
                    UNION ALL
                    SELECT 'function ' || proname || ' ' || md5(prosrc) FROM pg_proc
                    WHERE pronamespace = '\(schema)'::regnamespace
                ) AS parts
                """))
    }

    @Test(
        "The services of today start on the schemas of before the newest migrations: all data are there, all answers as before"
    )
    func newestMigration() async throws {
        try await Stack.running(StackPlan()) { stack in
            let base = "http://127.0.0.1:\(try stack.service("gateway").port)/api/v1"
            var person = Person(base: base)
            person.token = try await person.made(
                "POST", "/auth/register", #"{"username":"walter","password":"a long and odd phrase"}"#, "token")
            let paths = try await Self.fill(person)
            // What is written behind an answer is written by now.
            try await Task.sleep(for: .seconds(2))
            var before: [String: String] = [:]
            for path in paths {
                let answer = try await person.send("GET", path)
                #expect(answer.status == 200, "\(path): \(answer.text)")
                before[path] = answer.text
            }
            for name in Stack.serviceNames.reversed() { await stack.services[name]?.stop() }
            let older = Self.schemas.filter { $0.before.count < $0.all.count }
            #expect(older.count >= 3)
            for schema in older { try await Self.putBack(schema, stack.database) }

            for name in Stack.serviceNames {
                let service = try stack.service(name)
                try service.start()
                try await service.awaitReady()
            }
            for schema in older {
                let (service, all) = (schema.service, schema.all)
                let newest = try await stack.database.query(
                    "SELECT max(number) || ' ' || count(*) FROM \(service).schema_migrations")
                #expect(newest == ["\(all.count) \(all.count)"], "\(service)")
                let (upgraded, fresh) = (
                    try await Self.shape(service, stack.database),
                    try await Self.shape("\(service)_present", stack.database)
                )
                #expect(upgraded.count > 20)
                #expect(upgraded.subtracting(fresh).sorted() == [], "\(service): there after an upgrade only")
                #expect(fresh.subtracting(upgraded).sorted() == [], "\(service): there in a new installation only")
            }
            for path in paths {
                let answer = try await person.send("GET", path)
                #expect(
                    answer.status == 200 && answer.text == before[path],
                    "\(path): \(answer.text) instead of \(before[path] ?? "")")
            }
            let names = older.map { "\($0.service) \($0.before.count) → \($0.all.count)" }
            print("upgrade: \(names.joined(separator: ", ")); \(paths.count) answers as before")
            #expect(try await person.send("GET", "/history").status == 200)
        }
    }
}
