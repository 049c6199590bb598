import AsyncHTTPClient
import Cryptography
import NIOHTTP1
import NIOPosix
import Testing

@testable import ScrobbleService

/// A peer that accepts a connection and then nothing more.
@Suite struct OutboundHTTPTests {
    /// More than the buffers of both sides hold.
    private static let body = [UInt8](repeating: 0x20, count: 8 << 20)

    private static func http(_ peer: DeafPeer, _ client: HTTPClient) -> TraktHTTP {
        let url = "http://127.0.0.1:\(peer.port)"
        return TraktHTTP(
            settings: TraktHTTP.Settings(
                url: url, authURL: url, clientID: Secret("id"), clientSecret: nil, userAgent: "Reelay/test",
                redirectURI: ""), client: client)
    }

    @Test(
        "A write that nobody reads ends at its deadline, and what was not taken by then never arrives; else it would",
        arguments: [true, false])
    func untaken(isBounded: Bool) async throws {
        let peer = try DeafPeer()
        var limits = OutboundLimits()
        limits.untakenMax = .milliseconds(700)
        let client = HTTPClient(
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            configuration: isBounded ? OutboundHTTP.configuration(limits) : HTTPClient.Configuration())
        let http = Self.http(peer, client)
        async let connection = peer.accept()
        let begun = ContinuousClock.now
        let outcome = await http.call(
            .POST, "sync/history", .guarded(Self.body) { true }, token: Secret("token"),
            until: begun + .milliseconds(500))
        #expect(ContinuousClock.now - begun < .seconds(5))
        let accepted = try await connection
        try await client.shutdown()
        guard case .brokeOff = outcome else {
            Issue.record("\(outcome): whether it arrived is unknown")
            return
        }
        // The peer recovers long after the call is over.
        try await Task.sleep(for: .seconds(3))
        let heard = peer.hear(accepted)
        if isBounded {
            #expect(!heard.isWhole && heard.count < 65_536, "\(heard)")
        } else {
            #expect(heard.isWhole && heard.count > 65_536, "\(heard)")
        }
    }

    @Test("Whatever may still arrive of a lost write has arrived before it is looked for")
    func order() {
        let (queue, outbound) = (QueueLimits(), OutboundLimits())
        #expect(queue.callTimeout + outbound.untakenMax < queue.firstLook)
        #expect(outbound.connect < queue.callTimeout)
    }
}
