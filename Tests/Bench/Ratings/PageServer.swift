import Assembly
import Contracts
import HTTP2
import Logging
import Metrics
import NIOCore
import NIOPosix
import RPC
import Runtime
import UnixSignals

/// Answers every `ratings.listRatings` with the same page and no database access, which leaves the cost of encoding,
/// sending and reading it.
///
/// The server's limits, event loops and call metrics are those of the service.
struct PageServer: Sendable {
    let page: RatingsPage
    let secrets: ServiceSecrets

    /// Serves until the process is told to end.
    func run(port: Int) async throws {
        let stop = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        let group = MultiThreadedEventLoopGroup.singleton
        MetricsSystem.bootstrap(MetricsRegistry())
        let telemetry = Telemetry(logger: Logger(label: "page"))
        var router = RPCRouter()
        router.register(RatingsMethods.listRatings) {
            [page] (_: ListRatingsParams, _) async throws(RPCError) -> RatingsPage in
            page
        }
        let server = RPCServer(
            router: router, secrets: secrets, sweeper: DeadlineSweeper(eventLoop: group.next()),
            health: { HealthReport(checks: []) }, observe: telemetry.rpc)
        let listener = try await H2Server.start(
            on: [H2Address(host: "127.0.0.1", port: port)], limits: .peers, group: group,
            observe: telemetry.http2, handler: { await server.respond(to: $0) })
        for await _ in stop { break }
        await listener.shutdown(grace: .seconds(1))
    }
}
