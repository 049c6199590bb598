import Contracts
import HTTP2
import NIOCore
import NIOPosix
import RPC

/// Calls the ratings service as its callers do, and prints the timings as a JSON object.
@main
struct Main {
    static func main() async throws {
        let plan = try RatingsPlan(arguments: Array(CommandLine.arguments.dropFirst()))
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let client = RPCClient(
            name: "ratings", targets: [plan.target], secrets: plan.secrets,
            sweeper: DeadlineSweeper(eventLoop: group.next()), connect: RPCClient.plaintext(group: group),
            observe: { _ in })
        let figures = try await withThrowingTaskGroup(of: Void.self) { running in
            running.addTask { await client.run() }
            // On the connection's event loop, as the gateway calls it.
            let bench = Task.detached(executorPreference: LoopExecutor(group.next())) {
                try await RatingsBench(plan: plan, ratings: RatingsClient(client)).run()
            }
            let figures = try await bench.value
            running.cancelAll()
            return figures
        }
        try await group.shutdownGracefully()
        print("{\(figures.map { "\"\($0.0)\": \($0.1)" }.joined(separator: ", "))}")
    }
}

struct Complaint: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
