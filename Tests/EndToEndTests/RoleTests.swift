import Foundation
import Stack
import Testing

/// What the services' database roles can access, tried on everything in the catalogue.
@Suite(.stack, .serialized)
struct RoleTests {
    /// Tries every statement on every table of the schemas as `role`; returns how many were refused for lack of
    /// privileges.
    private func attempt(
        _ role: String, on schemas: [String], _ statements: [String]
    ) async throws -> (refused: Int, tried: Int) {
        let database = try #require(Stack.current).database
        let listed = statements.map { "'\($0.replacing("'", with: "''"))'" }.joined(separator: ", ")
        let block = """
            DO $$
            DECLARE
                place record;
                statement text;
                refused integer := 0;
                tried integer := 0;
            BEGIN
                FOR place IN
                    SELECT n.nspname AS schema, c.relname AS name, (SELECT attname FROM pg_attribute
                        WHERE attrelid = c.oid AND attnum = 1) AS member
                    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE c.relkind IN ('r', 'p') AND n.nspname IN (\(schemas.map { "'\($0)'" }.joined(separator: ", ")))
                LOOP
                    FOREACH statement IN ARRAY ARRAY[\(listed)] LOOP
                        tried := tried + 1;
                        BEGIN
                            EXECUTE format(statement, place.schema, place.name, place.member);
                        EXCEPTION
                            WHEN insufficient_privilege THEN refused := refused + 1;
                            WHEN OTHERS THEN NULL;
                        END;
                    END LOOP;
                END LOOP;
                -- Whatever was possible is taken back, and this is how the counts come out.
                RAISE EXCEPTION 'refused % of % tried', refused, tried;
            END
            $$
            """
        do {
            try await Command.run(
                "psql", ["-qX", "-v", "ON_ERROR_STOP=1", database.url(of: role), "-c", block])
        } catch {
            let found = "\(error)".firstMatch(of: /refused ([0-9]+) of ([0-9]+) tried/)
            guard let found, let refused = Int(found.1), let tried = Int(found.2) else { throw error }
            return (refused, tried)
        }
        throw StackError("the block did not end as it must")
    }

    private static let statements = [
        "SELECT 1 FROM %1$I.%2$I LIMIT 1", "INSERT INTO %1$I.%2$I DEFAULT VALUES",
        "UPDATE %1$I.%2$I SET %3$I = %3$I", "DELETE FROM %1$I.%2$I", "TRUNCATE %1$I.%2$I CASCADE",
        "LOCK TABLE %1$I.%2$I IN ACCESS SHARE MODE", "ALTER TABLE %1$I.%2$I RENAME TO stolen",
        "DROP TABLE %1$I.%2$I CASCADE",
        "CREATE TABLE %1$I.planted (LIKE %1$I.%2$I)", "SELECT %2$I FROM %1$I.%2$I FOR UPDATE",
    ]

    @Test(
        "Every role fails on every table of every other schema, with every kind of statement",
        arguments: Stack.serviceNames)
    func foreignTables(role: String) async throws {
        let others = Stack.serviceNames.filter { $0 != role }
        let (refused, tried) = try await attempt(role, on: others, Self.statements)
        print("role reelay_\(role): refused \(refused) of \(tried) statements on tables of \(others)")
        #expect(tried > 200 && refused == tried)
        // Counter-check: on its own tables the role has access.
        let own = try await attempt(role, on: [role], ["SELECT 1 FROM %1$I.%2$I LIMIT 1", "DELETE FROM %1$I.%2$I"])
        #expect(own.tried > 0 && own.refused == 0)
    }

    @Test("One right too many on one foreign table is found")
    func oneRightTooMany() async throws {
        let database = try #require(Stack.current).database
        _ = try await database.query(
            "GRANT USAGE ON SCHEMA metadata TO reelay_ratings; GRANT SELECT ON metadata.titles TO reelay_ratings")
        let (refused, tried) = try await attempt("ratings", on: ["metadata"], Self.statements)
        _ = try await database.query(
            "REVOKE ALL ON metadata.titles FROM reelay_ratings; REVOKE ALL ON SCHEMA metadata FROM reelay_ratings")
        #expect(refused < tried)
        print("mutant one right too many: caught, \(tried - refused) of \(tried) statements were not refused")
    }

    @Test("A role may enter no other schema, make nothing outside its own, and is no administrator")
    func rights() async throws {
        let database = try #require(Stack.current).database
        let open = try await database.query(
            """
            SELECT r.rolname, n.nspname, right_name
            FROM pg_roles r, pg_namespace n, unnest(ARRAY['USAGE', 'CREATE']) AS right_name
            WHERE r.rolname LIKE 'reelay\\_%' AND NOT r.rolsuper AND n.nspname NOT LIKE 'pg\\_%'
                AND n.nspname <> 'information_schema' AND r.rolname <> 'reelay_' || n.nspname
                AND has_schema_privilege(r.oid, n.oid, right_name)
            """)
        #expect(open == [], "role, schema and right")
        let strong = try await database.query(
            """
            SELECT rolname FROM pg_roles WHERE rolname IN
                ('reelay_metadata', 'reelay_ratings', 'reelay_scrobble', 'reelay_gateway')
                AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls OR rolinherit
                    OR rolconnlimit < 1)
            """)
        #expect(strong == [])
        let foreign = try await database.query(
            """
            SELECT r.rolname || ' ' || p.oid::regprocedure FROM pg_roles r, pg_proc p
            JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE r.rolname LIKE 'reelay\\_%' AND NOT r.rolsuper AND p.prosecdef
                AND n.nspname IN ('metadata', 'ratings', 'scrobble', 'gateway') AND r.rolname <> 'reelay_' || n.nspname
            """)
        #expect(foreign == [], "nothing runs with its owner's rights for others")
        for role in Stack.serviceNames {
            for other in ["postgres", "template1"] {
                var url = try #require(URLComponents(string: database.url(of: role)))
                url.path = "/\(other)"
                let outcome = await Result {
                    try await Command.run("psql", ["-qX", url.string ?? "", "-c", "SELECT 1"])
                }
                #expect(throws: (any Error).self, "reelay_\(role) enters \(other)") { try outcome.get() }
            }
        }
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
