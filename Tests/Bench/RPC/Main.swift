import Contracts
import HTTP2
import NIOCore
import NIOPosix
import RPC
import UnixSignals

/// Serves `ratings.rateTitle` without a database, for the `rpc` benchmarks: bench-rpc PORT SECRET LOOPS.
@main
struct Main {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 4, let port = Int(arguments[1]), let secrets = ServiceSecrets([arguments[2]]),
            let loops = Int(arguments[3]), loops > 0
        else { throw UsageError() }
        let stop = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: loops)
        var router = RPCRouter()
        let echo = RatingsEcho()
        router.register(RatingsMethods.rateTitle) { (params: RateTitleParams, context) async throws(RPCError) in
            try await echo.rateTitle(params, context)
        }
        let server = RPCServer(
            router: router, secrets: secrets, sweeper: DeadlineSweeper(eventLoop: group.next()),
            health: { HealthReport(checks: []) }, observe: { _ in })
        let listener = try await H2Server.start(on: [H2Address(host: "127.0.0.1", port: port)], group: group) {
            await server.respond(to: $0)
        }
        for await _ in stop { break }
        await listener.shutdown(grace: .seconds(1))
        try await group.shutdownGracefully()
    }
}

struct UsageError: Error, CustomStringConvertible {
    let description = "usage: bench-rpc PORT SECRET LOOPS"
}
