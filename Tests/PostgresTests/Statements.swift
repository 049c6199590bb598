import Postgres
import Synchronization
import TestSupport

/// Statements shared by the suites; each runs in the suite's own schema.
enum Statements {
    static let create = PGCommand(
        "items.create", "CREATE TABLE items (id bigint PRIMARY KEY, label text NOT NULL CHECK (label <> 'bad'))",
        kind: .solo)
    static let insert = PGCommand("items.insert", "INSERT INTO items (id, label) VALUES ($1, $2)")
    static let get = PGStatement("items.get", "SELECT id, label FROM items WHERE id = $1") { row throws(PGError) in
        Item(id: try row.next(), label: try row.next())
    }
    static let count = PGStatement("items.count", "SELECT count(*) FROM items") { row throws(PGError) in
        try row.next(Int.self)
    }
    static let add = PGStatement("numbers.add", "SELECT $1 + $2") { row throws(PGError) in try row.next(Int.self) }
    static let sleep = PGStatement("tests.sleep", "SELECT 1 FROM pg_sleep($1)") { row throws(PGError) in
        try row.next(Int.self)
    }
    /// Takes the lock of the suite's schema until the end of its transaction, waiting for its holder.
    static let lock = PGStatement(
        "tests.lock", "SELECT 1 FROM pg_advisory_xact_lock(hashtextextended(current_schema(), 0))", kind: .solo
    ) { row throws(PGError) in try row.next(Int.self) }
    static let running = PGStatement(
        "tests.running",
        """
        SELECT count(*) FROM pg_stat_activity
        WHERE application_name = $1 AND state = 'active' AND query LIKE $2 AND pid <> pg_backend_pid()
        """
    ) { row throws(PGError) in try row.next(Int.self) }
    static let terminateOthers = PGStatement(
        "tests.terminate",
        """
        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE application_name = $1 AND pid <> pg_backend_pid()
        """, kind: .solo
    ) { row throws(PGError) in try row.next(Int.self) }
}

struct Item: Sendable, Hashable {
    let id: Int
    let label: String
}

/// Waits until all of a pool's connections are open and idle: a thread still at work on one of them would take along
/// what is held back to be sent together.
func quiet(_ pool: PGPool) async throws -> Bool {
    try await eventually {
        let snapshot = pool.snapshot
        return snapshot.idleCount >= pool.limits.connectionsMin && snapshot.connectingCount == 0
    }
}

/// Collects the observations of a pool.
final class Observations: Sendable {
    private let all = Mutex<[PGObservation]>([])

    func add(_ observation: PGObservation) { all.withLock { $0.append(observation) } }
    func count(where matches: (PGObservation) -> Bool) -> Int { all.withLock { $0.count(where: matches) } }
}

/// Returns the `PGError` that `body` throws; nil if it throws none.
func failureOf<Value>(_ body: () async throws(PGError) -> Value) async -> PGError? {
    do throws(PGError) {
        _ = try await body()
        return nil
    } catch {
        return error
    }
}

/// State shared by the workers of a test.
final class Ledger: Sendable {
    private let acknowledged = Mutex<Set<Int>>([])
    private let over = Atomic<Bool>(false)
    private let attempts = Atomic<Int>(0)

    func acknowledge(_ id: Int) { acknowledged.withLock { _ = $0.insert(id) } }
    var ids: Set<Int> { acknowledged.withLock { $0 } }
    func end() { over.store(true, ordering: .relaxed) }
    var isOver: Bool { over.load(ordering: .relaxed) }
    func attempt() { attempts.add(1, ordering: .relaxed) }
    var attemptCount: Int { attempts.load(ordering: .relaxed) }
}

/// A list that several closures append to.
final class SharedList<Element: Sendable>: Sendable {
    private let elements: Mutex<[Element]>

    init(_ elements: [Element]) { self.elements = Mutex(elements) }

    func append(_ element: Element) { elements.withLock { $0.append(element) } }
    var all: [Element] { elements.withLock { $0 } }
}
