import Contracts
import Postgres
import Store
import Synchronization
import TestSupport
import Testing

@testable import ScrobbleService

/// Pages of an import, one title each: where they end, and what a worker does whose server has lost one of them.
@Suite struct ImportPageTests {
    private static let ids = SystemIDSource()

    /// A film a row, watched once.
    private static func diary(_ names: [String]) -> [(name: String, text: String)] {
        let rows = names.enumerated().map { "2020-01-01,\($1),1990,https://boxd.it/d\($0),,,,2020-01-\($0 + 10)" }
        let header = "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date"
        return [("diary.csv", ([header] + rows).joined(separator: "\n"))]
    }

    private static let playCount = PGStatement(
        "tests.playCount", "SELECT count(*) FROM plays WHERE user_id = $1"
    ) { row throws(PGError) in try row.next(Int.self) }

    @Test("Names that Swift and Postgres put in another order, or that one takes for the same, lose no row")
    func order() async throws {
        // Decomposed names stand before "T" by their bytes, and behind it as texts.
        let names = [
            "E\u{301}tat", "\u{C9}tat", "Titanic", "U\u{308}ber", "A\u{30A}ngstro\u{308}m", "\u{212B}ngstro\u{308}m",
            "Zebra", "Avatar",
        ]
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let others = StandIns()
            for name in names { others.know(name, 1990) }
            let tools = ImportWorkerTests.tools(pools[0], others, pageRows: 1, rowsAtOnce: 3)
            let user = UserID(Self.ids.next())
            let id = try await ImportWorkerTests.send(Self.diary(names), of: user, tools)
            let done = try await ImportWorkerTests.work(id, of: user, tools)
            #expect(done.state == .applied)
            #expect(done.counts.map { $0.new } == names.count, "\(String(describing: done.counts))")
            #expect(try await pools[0].first(Self.playCount, [.id(user)]) == names.count)
        }
    }

    @Test("A page that the server lost in a crash is written again, though its worker lives on and saw it written")
    func lost() async throws {
        let names = (0..<12).map { "Lost Film \($0)" }
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let others = StandIns()
            for name in names { others.know(name, 1990) }
            let tools = ImportWorkerTests.tools(pools[0], others, lease: .milliseconds(300), pageRows: 1)
            let user = UserID(Self.ids.next())
            let written = Mutex(0)
            // What recovery from a crash does: the last commits are gone, and with them which run of the server it was.
            let recovery = [
                PGCommand("tests.newRun", "TRUNCATE server_runs").bound([]),
                PGCommand(
                    "tests.lose",
                    "DELETE FROM plays WHERE user_id = $1 AND id = (SELECT id FROM plays ORDER BY id DESC LIMIT 1)"
                ).bound([.id(user)]),
            ]
            let worker = ImportWorker(tools) { point in
                guard case .written = point,
                    written.withLock({
                        $0 += 1; return $0
                    }) == 5
                else { return }
                #expect((try? await pools[0].execute(together: recovery))?.last == 1)
            }
            let id = try await ImportWorkerTests.send(Self.diary(names), of: user, tools)
            let state = try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await worker.run() }
                defer { group.cancelAll() }
                return try await ImportWorkerTests.rested(id, of: user, tools).state
            }
            #expect(state == .applied)
            #expect(written.withLock { $0 } > names.count)
            #expect(try await pools[0].first(Self.playCount, [.id(user)]) == names.count)
        }
    }
}
