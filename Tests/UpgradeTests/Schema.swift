import Postgres
import Stack

@testable import GatewayService
@testable import MetadataService
@testable import RatingsService
@testable import ScrobbleService

/// The schema of a service: its migrations, and how many of them an earlier installation has.
struct Schema: Sendable {
    /// When an earlier installation was last upgraded.
    enum Moment: CaseIterable, Sendable {
        /// All but the newest migration, and at least those that created the first tables.
        case newest
        /// The release whose commit `proto/released` names.
        case release
    }

    let service: String
    let today: [Migration]
    /// The number of migrations that created the first tables.
    private let first: Int
    /// The number that the previous release had; a test checks it against its list.
    private let released: Int

    static let all = [
        Schema(service: "metadata", today: MetadataService.migrations, first: 2, released: 3),
        Schema(service: "ratings", today: RatingsService.migrations, first: 2, released: 3),
        Schema(service: "scrobble", today: ScrobbleService.migrations, first: 15, released: 16),
        Schema(service: "gateway", today: GatewayService.migrations, first: 2, released: 2),
    ]

    func migrations(of moment: Moment) -> [Migration] {
        switch moment {
        case .newest: Array(today.prefix(max(first, today.count - 1)))
        case .release: Array(today.prefix(released))
        }
    }

    /// Applies missing migrations as the service does when it starts; returns how many there were.
    func apply(_ migrations: [Migration], in database: StackDatabase) async throws -> Int {
        let pool = try PGPool(
            PGConfiguration(url: database.url(of: service), applicationName: "upgrade", schema: service))
        let applied: [String]
        do {
            applied = try await Migrator(pool, schema: service, migrations: migrations).run(
                deadline: .now + .seconds(60))
        } catch {
            await pool.shutDown()
            throw error
        }
        await pool.shutDown()
        return applied.count
    }

    /// Copies every table to a second schema; throws if one is empty, since that would prove nothing.
    func keepTables(in database: StackDatabase) async throws {
        _ = try await database.query(
            """
            CREATE SCHEMA \(service)_kept;
            DO $$
            DECLARE
                place text;
                is_filled boolean;
            BEGIN
                FOR place IN SELECT relname FROM pg_class
                    WHERE relnamespace = '\(service)'::regnamespace AND relkind = 'r' AND relname <> 'schema_migrations'
                LOOP
                    EXECUTE format('CREATE TABLE \(service)_kept.%1$I AS TABLE \(service).%1$I', place);
                    EXECUTE format('SELECT EXISTS (SELECT FROM \(service)_kept.%I)', place) INTO is_filled;
                    IF NOT is_filled THEN RAISE EXCEPTION '\(service).% has no rows', place; END IF;
                END LOOP;
            END
            $$
            """)
    }

    /// The differences from the copies, one per line: missing tables and columns, and the number of rows that differ in
    /// the remaining columns.
    func changes(in database: StackDatabase) async throws -> [String] {
        try await database.query(
            """
            CREATE TEMPORARY TABLE changes (line text);
            DO $$
            DECLARE
                place text;
                members text;
                gone text;
                compared constant text := 'SELECT count(*) FROM (SELECT %2$s FROM %3$s.%1$I EXCEPT ALL SELECT %2$s FROM %4$s.%1$I) AS x';
                lost bigint;
                added bigint;
            BEGIN
                FOR place IN SELECT relname FROM pg_class WHERE relnamespace = '\(service)_kept'::regnamespace AND relkind = 'r'
                LOOP
                    IF to_regclass(format('\(service).%I', place)) IS NULL THEN
                        INSERT INTO changes VALUES (place || ' is gone');
                        CONTINUE;
                    END IF;
                    SELECT string_agg(quote_ident(k.attname), ', ') FILTER (WHERE p.attname IS NOT NULL),
                        string_agg(k.attname, ', ') FILTER (WHERE p.attname IS NULL)
                    INTO members, gone
                    FROM pg_attribute k LEFT JOIN pg_attribute p ON p.attname = k.attname AND NOT p.attisdropped
                        AND p.attrelid = format('\(service).%I', place)::regclass
                    WHERE k.attrelid = format('\(service)_kept.%I', place)::regclass AND k.attnum > 0;
                    IF gone IS NOT NULL THEN INSERT INTO changes VALUES (place || ' has no ' || gone); END IF;
                    EXECUTE format(compared, place, members, '\(service)_kept', '\(service)') INTO lost;
                    EXECUTE format(compared, place, members, '\(service)', '\(service)_kept') INTO added;
                    IF lost + added > 0 THEN
                        INSERT INTO changes VALUES (format('%s: %s rows less, %s more', place, lost, added));
                    END IF;
                END LOOP;
            END
            $$;
            SELECT line FROM changes ORDER BY line COLLATE "C"
            """)
    }

    /// Describes the contents of a schema in a form that does not depend on how it came about.
    static func shape(_ schema: String, _ database: StackDatabase) async throws -> Set<String> {
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
}
