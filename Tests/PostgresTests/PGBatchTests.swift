import CLibpq
import Testing

@testable import Postgres

/// Every state of the batch machine with every reply, and the rules for what runs again.
@Suite struct PGBatchTests {
    static let failure = PGError(.server, "no", sqlState: "22012")
    static let shutdown = PGError(.server, "bye", sqlState: "57P01")
    static let stale = PGError(.server, "stale", sqlState: "0A000")

    static func result() throws -> PGResult {
        PGResult(owning: try #require(PQmakeEmptyPGresult(nil, PGRES_COMMAND_OK)))
    }

    /// A batch of `members` statements, the first with its preparation, in one segment or in one each.
    static func batch(_ rule: PGBatch.Rule, members: Int, separately: Bool = false) -> PGBatch {
        var batch = PGBatch(rule)
        for member in 0..<members {
            if member == 0 { batch.appendPrepare(for: 0) }
            batch.appendRun()
            if separately { batch.appendSync() }
        }
        if !separately { batch.appendSync() }
        return batch
    }

    static func text(_ outcome: PGBatch.Outcome) -> String {
        switch outcome {
        case .success: "ok"
        case .failure(let error): error.sqlState.isEmpty ? "lost" : error.sqlState
        case .again: "again"
        case .prepareAgain: "prepare"
        }
    }

    /// Feeds "d" done, "f" failed, "k" skipped, "s" synced, "x" shutdown, "p" stale plan, "l" lost;
    /// returns "member:outcome" in order, or "broken" where the machine refused a reply.
    static func play(_ batch: inout PGBatch, _ replies: String) throws -> [String] {
        var settled: [PGBatch.Settled] = []
        do throws(PGError) {
            for reply in replies {
                switch reply {
                case "f": try batch.receive(.failed(failure), into: &settled)
                case "x": try batch.receive(.failed(shutdown), into: &settled)
                case "p": try batch.receive(.failed(stale), into: &settled)
                case "k": try batch.receive(.skipped, into: &settled)
                case "s": try batch.receive(.synced, into: &settled)
                case "l": batch.lose(PGError(.connectionLost, "gone"), into: &settled)
                default:
                    guard let result = try? result() else { throw PGError(.decoding, "no result") }
                    try batch.receive(.done(result), into: &settled)
                }
            }
        } catch {
            #expect(error.kind == .connectionLost)
            return ["broken"]
        }
        return settled.map { "\($0.member):\(text($0.outcome))" }
    }

    @Test(
        arguments: [
            // At the preparation.
            ("", "d", []), ("", "f", []), ("", "k", ["broken"]), ("", "s", ["broken"]),
            // At a run.
            ("d", "d", ["0:ok"]), ("d", "f", []), ("d", "k", ["broken"]), ("d", "s", ["broken"]),
            // At a run after an error.
            ("f", "k", []), ("f", "f", ["broken"]), ("f", "s", ["broken"]), ("df", "k", []), ("df", "f", ["broken"]),
            // At the Sync.
            ("ddd", "s", ["0:ok", "1:ok"]), ("ddd", "f", ["0:ok", "1:ok"]), ("ddd", "d", ["broken"]),
            ("ddd", "k", ["broken"]), ("dddf", "s", ["0:ok", "1:ok"]),
            // After the end.
            ("ddds", "d", ["broken"]), ("ddds", "f", ["broken"]), ("ddds", "k", ["broken"]), ("ddds", "s", ["broken"]),
            ("ddds", "l", ["0:ok", "1:ok"]),
        ] as [(String, String, [String])])
    func everyStateTimesEveryReply(_ state: String, _ reply: String, _ expected: [String]) throws {
        var batch = Self.batch(.reads, members: 2)
        #expect(try Self.play(&batch, state + reply) == expected)
    }

    @Test(
        arguments: [
            // Reads: good results stand, only the culprit gets its error.
            (.reads, "ddfs", ["0:ok", "1:22012"]), (.reads, "dfks", ["0:22012", "1:again"]),
            (.reads, "fkks", ["0:22012", "1:again"]), (.reads, "dps", []), (.reads, "dpks", ["0:prepare", "1:again"]),
            (.reads, "dxks", ["0:again", "1:again"]), (.reads, "ddl", ["0:ok", "1:again"]),
            (.reads, "l", ["0:again", "1:again"]),
            // Writes: nothing is acknowledged before the Sync, an error undoes the group.
            (.writes, "dd", []), (.writes, "ddds", ["0:ok", "1:ok"]), (.writes, "ddfs", ["0:again", "1:again"]),
            (.writes, "dfks", ["0:again", "1:again"]), (.writes, "dddfs", ["0:again", "1:again"]),
            (.writes, "ddps", ["0:again", "1:prepare"]), (.writes, "dddl", ["0:lost", "1:lost"]),
            (.writes, "l", ["0:lost", "1:lost"]), (.writes, "dxl", ["0:again", "1:again"]),
            (.writes, "dfl", ["0:again", "1:again"]),
            // A leased connection: nothing runs again; what came before the error stands.
            (.leased, "ddds", ["0:ok", "1:ok"]), (.leased, "ddfs", ["0:ok", "1:22012"]),
            (.leased, "dfks", ["0:22012", "1:22012"]), (.leased, "dxl", ["0:57P01", "1:57P01"]),
            (.leased, "dl", ["0:lost", "1:lost"]), (.leased, "dddfs", ["0:ok", "1:22012"]),
        ] as [(PGBatch.Rule, String, [String])])
    func rules(_ rule: PGBatch.Rule, _ replies: String, _ expected: [String]) throws {
        var batch = Self.batch(rule, members: 2)
        let outcome = try Self.play(&batch, replies)
        #expect(outcome == (replies == "dps" ? ["broken"] : expected))
    }

    @Test func aLoneWriteGetsItsOwnError() throws {
        var batch = Self.batch(.writes, members: 1)
        #expect(try Self.play(&batch, "dfs") == ["0:22012"])
    }

    @Test func segmentsFailByThemselves() throws {
        var batch = Self.batch(.writes, members: 3, separately: true)
        #expect(try Self.play(&batch, "ddsfsds") == ["0:ok", "1:22012", "2:ok"])
        #expect(batch.isDone)
    }

    @Test func aLossAfterAnAcknowledgedSegmentLeavesItAcknowledged() throws {
        var batch = Self.batch(.writes, members: 3, separately: true)
        #expect(try Self.play(&batch, "ddsdl") == ["0:ok", "1:lost", "2:lost"])
    }

    @Test func preparedStatementsAreToldOnce() throws {
        var batch = Self.batch(.reads, members: 2)
        _ = try Self.play(&batch, "d")
        #expect(batch.takePrepared() == [0])
        #expect(batch.takePrepared() == [])
    }
}
