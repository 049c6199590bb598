import Contracts
import HTTP2
import NIOCore
import NIOPosix
import RPC
import UnixSignals

/// Answers every `ratings.listRatings` with one page and asks nobody: encoding it, sending it and reading it are left.
///
/// The server's limits and its loops are those of the service; it keeps no metrics and no log.
struct PageServer: Sendable {
    let page: RatingsPage
    let secrets: ServiceSecrets

    /// Until the process is told to end.
    func run(port: Int) async throws {
        let stop = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        let group = MultiThreadedEventLoopGroup.singleton
        var router = RPCRouter()
        router.register(RatingsMethods.listRatings) {
            [page] (_: ListRatingsParams, _) async throws(RPCError) -> RatingsPage in
            page
        }
        let server = RPCServer(
            router: router, secrets: secrets, sweeper: DeadlineSweeper(eventLoop: group.next()),
            health: { HealthReport(checks: []) }, observe: { _ in })
        let listener = try await H2Server.start(
            on: [H2Address(host: "127.0.0.1", port: port)], limits: .peers, group: group,
            handler: { await server.respond(to: $0) })
        for await _ in stop { break }
        await listener.shutdown(grace: .seconds(1))
    }
}
