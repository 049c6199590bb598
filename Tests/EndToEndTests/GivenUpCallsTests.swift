import Foundation
import HTTP2
import NIOPosix
import Stack
import Testing

/// Calls that time out, however many, do not affect others on the same connection.
@Suite(.stack, .serialized)
struct GivenUpCallsTests {
    private static func events(_ params: String) throws -> H2Request {
        H2Request(
            method: "POST", path: "/rpc", authority: "scrobble",
            headers: [
                H2Header("content-type", "application/json"),
                H2Header("authorization", "Bearer \(Stack.serviceSecret)"),
            ], body: Array(#"{"jsonrpc":"2.0","id":1,"method":"scrobble.events","params":\#(params)}"#.utf8))
    }

    private static func next(of response: H2Response) throws -> String {
        let json = try JSONSerialization.jsonObject(with: Data(response.body)) as? [String: Any]
        return try #require((json?["result"] as? [String: Any])?["next"] as? String, "\(json ?? [:])")
    }

    @Test("Three hundred calls without an answer, one that waits for its own")
    func many() async throws {
        let scrobble = try #require(Stack.current).service("scrobble")
        let connection = try await H2ClientConnection.connect(
            host: "127.0.0.1", port: scrobble.rpcPort, group: .singletonMultiThreadedEventLoopGroup)
        let start = try Self.next(of: try await connection.send(Self.events("{}"), deadline: .now + .seconds(20)))
        let long = Task {
            try await connection.send(
                Self.events(#"{"after":"\#(start)","wait_seconds":5}"#), deadline: .now + .seconds(30))
        }
        for _ in 0..<6 {
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        do {
                            let request = try Self.events(#"{"after":"\#(start)","wait_seconds":20}"#)
                            let answer = try await connection.send(request, deadline: .now + .milliseconds(200))
                            Issue.record("answered with \(answer.status)")
                        } catch {
                            #expect((error as? H2Error)?.reason == .deadlineExceeded, "\(error)")
                        }
                    }
                }
            }
        }
        #expect(try Self.next(of: try await long.value) == start)
        #expect(!connection.isDraining)
        connection.close()
        await connection.waitUntilClosed()
    }
}
