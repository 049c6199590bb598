import Contracts
import Postgres
import ScrobbleService
import Store

/// Measures the queue and the ledger in the database of the first argument, and the sync planner without a database.
/// Prints one JSON object.
///
/// bench-queue URL SCHEMA single|batch|pickup|xmin|fair|insert|page|plan SECONDS
@main
enum Main {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 5, let work = QueueWork(rawValue: arguments[3]), let seconds = Int(arguments[4]) else {
            throw Complaint("usage: bench-queue URL SCHEMA WORK SECONDS")
        }
        if work == .plan { return tell(PlanBench(rounds: seconds).figures()) }
        let pool = try PGPool(
            PGConfiguration(url: arguments[1], applicationName: "bench-queue", schema: arguments[2]))
        _ = try await Migrator(pool, schema: arguments[2], migrations: ScrobbleService.migrations)
            .run(deadline: .now + .seconds(60))
        let database = Database(pool: pool)
        let figures: [(String, Double)] =
            switch work {
            case .single: try await QueueBench(database).single(jobs: 20_000)
            case .batch: try await QueueBench(database).batch(jobs: 100_000)
            case .pickup: try await QueueBench(database).pickup(samples: 300)
            case .xmin: try await QueueBench(database).xmin(seconds: seconds)
            case .fair: try await QueueBench(database).fair()
            case .insert: try await LedgerBench(database).insert(plays: 200_000)
            case .page: try await LedgerBench(database).page(plays: 200_000)
            case .plan: []
            }
        tell(figures + [("peak_mb", ProcessPeak.megabytes)])
        await pool.shutDown()
    }

    private static func tell(_ figures: [(String, Double)]) {
        let members = figures.map { "\"\($0.0)\": \($0.1)" }
        print("{\(members.joined(separator: ", "))}")
    }
}

enum QueueWork: String {
    case single, batch, pickup, xmin, fair, insert, page, plan
}

struct Complaint: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

extension Duration {
    var milliseconds: Double { inSeconds * 1_000 }
}

extension [Duration] {
    /// The value at this quantile.
    func share(_ share: Double) -> Duration {
        let sorted = sorted()
        guard !sorted.isEmpty else { return .zero }
        return sorted[Swift.min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }
}
