import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing
import UpstreamEmulators

@testable import ScrobbleService

/// A write whose lane is lost between the decision to send it and its last bytes.
@Suite struct GuardedBodyTests {
    private static let play = Array(#"{"movies":[{"ids":{"trakt":1},"watched_at":"2026-11-01T20:00:00Z"}]}"#.utf8)

    @Test("A write that is no longer ours has no effect; one that is, has", arguments: [false, true])
    func guarded(isOurs: Bool) async throws {
        try await RunningUpstreams.run { upstreams in
            let client = HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
            var request = HTTPClientRequest(url: "\(upstreams.url(.trakt))/sync/history")
            request.method = .POST
            request.headers.add(name: "authorization", value: "Bearer demo-alice")
            request.headers.add(name: "trakt-api-version", value: "2")
            request.headers.add(name: "trakt-api-key", value: "reelay-demo-trakt")
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .guarded(Self.play) { isOurs }
            do {
                let response = try await client.execute(request, timeout: .seconds(10))
                #expect(response.status.code == 201)
                #expect(isOurs)
            } catch is GuardedBody.LaneLost {
                #expect(!isOurs)
            }
            try await client.shutdown()
            #expect(upstreams.server.traktAccounts.plays.count == (isOurs ? 1 : 0))
        }
    }
}
