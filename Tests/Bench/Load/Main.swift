import NIOCore
import NIOPosix
import RPC

/// Loads the ratings service through our own client and prints what it saw as a JSON object.
@main
struct Main {
    static func main() async throws {
        let plan = try LoadPlan(arguments: Array(CommandLine.arguments.dropFirst()))
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let sweeper = DeadlineSweeper(eventLoop: group.next())
        // A connection each: one client opens one connection to one address.
        let clients = (0..<min(LoadPlan.connectionsMax, plan.inFlight)).map { _ in
            RPCClient(
                name: "ratings", targets: [plan.target], secrets: plan.secrets, sweeper: sweeper,
                connect: RPCClient.plaintext(group: group), observe: { _ in })
        }
        let tally = try await withTaskExecutorPreference(LoopExecutor(group.next())) {
            try await withThrowingTaskGroup(of: Void.self) { running in
                for client in clients { running.addTask { await client.run() } }
                let tally = try await load(plan, clients)
                running.cancelAll()
                return tally
            }
        }
        try await group.shutdownGracefully()
        print(tally.json(seconds: plan.measured))
    }

    /// Keeps the wanted number of calls in flight until the time is over.
    private static func load(_ plan: LoadPlan, _ clients: [RPCClient]) async throws -> LoadTally {
        let start = ContinuousClock.now.advanced(by: LoadPlan.warmUp)
        let end = start.advanced(by: plan.measured)
        return await withTaskGroup(of: LoadTally.self) { workers in
            for number in 0..<plan.inFlight {
                let worker = LoadWorker(plan: plan, client: clients[number % clients.count], number: number)
                workers.addTask { await worker.run(from: start, until: end) }
            }
            var tally = LoadTally()
            for await part in workers { tally.add(part) }
            return tally
        }
    }
}

struct LoadError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
