import Foundation
import Stack
import Testing

/// Earlier installations with data: their schemas lack the newest migrations, or all since the previous release, and
/// today's services start on them.
@Suite(.serialized)
struct UpgradeTests {
    /// Some weeks of activity through every route that a frontend has; returns the paths to read.
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

    /// Replaces the present schema, which is kept beside it, with an earlier one that holds as much of the data as it
    /// can.
    private static func putBack(_ schema: Schema, to moment: Schema.Moment, _ database: StackDatabase) async throws {
        let service = schema.service
        _ = try await database.query(
            """
            ALTER SCHEMA \(service) RENAME TO \(service)_present;
            CREATE SCHEMA \(service) AUTHORIZATION reelay_\(service)
            """)
        let before = schema.migrations(of: moment)
        #expect(try await schema.apply(before, in: database) == before.count)
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

    @Test(
        "The services of today start on the schemas of before: all data are there, all answers as before",
        arguments: Schema.Moment.allCases)
    func olderSchemas(_ moment: Schema.Moment) async throws {
        try await Stack.running(StackPlan()) { stack in
            let base = "http://127.0.0.1:\(try stack.service("gateway").port)/api/v1"
            var person = Person(base: base)
            person.token = try await person.made(
                "POST", "/auth/register", #"{"username":"walter","password":"a long and odd phrase"}"#, "token")
            let paths = try await Self.fill(person)
            // Writes that follow an answer are complete by now.
            try await Task.sleep(for: .seconds(2))
            var before: [String: String] = [:]
            for path in paths {
                let answer = try await person.send("GET", path)
                #expect(answer.status == 200, "\(path): \(answer.text)")
                before[path] = answer.text
            }
            for name in Stack.serviceNames.reversed() { await stack.services[name]?.stop() }
            let older = Schema.all.filter { $0.migrations(of: moment).count < $0.today.count }
            #expect(older.count >= 3)
            for schema in older { try await Self.putBack(schema, to: moment, stack.database) }

            for name in Stack.serviceNames {
                let service = try stack.service(name)
                try service.start()
                try await service.awaitReady()
            }
            for schema in older {
                let (service, count) = (schema.service, schema.today.count)
                let newest = try await stack.database.query(
                    "SELECT max(number) || ' ' || count(*) FROM \(service).schema_migrations")
                #expect(newest == ["\(count) \(count)"], "\(service)")
                let (upgraded, fresh) = (
                    try await Schema.shape(service, stack.database),
                    try await Schema.shape("\(service)_present", stack.database)
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
            let names = older.map { "\($0.service) \($0.migrations(of: moment).count) → \($0.today.count)" }
            print("upgrade: \(names.joined(separator: ", ")); \(paths.count) answers as before")
            #expect(try await person.send("GET", "/history").status == 200)
        }
    }
}
