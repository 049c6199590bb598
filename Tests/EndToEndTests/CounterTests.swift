import Stack
import Testing

/// What is counted, before there is anything to count.
@Suite(.stack, .serialized)
struct CounterTests {
    /// Of a counter that is first read at one nobody can say that it rose, so its alert stayed silent.
    @Test("What alerts wait for is counted from the start")
    func start() async throws {
        let stack = try #require(Stack.current)
        for name in ["metadata", "ratings", "scrobble", "gateway"] {
            let port = try stack.service(name).adminPort
            let text = try await Wire.send("GET", "http://127.0.0.1:\(port)/metrics").text
            for kind in ["pings", "ownResets", "writeTimeout"] {
                #expect(text.contains("\nhttp2_abuse_total{kind=\"\(kind)\"} "), "\(name): \(kind)")
            }
            #expect(text.contains("\nreelay_metrics_refused_total 0\n"), "\(name) has more series than it may hold")
            guard name == "scrobble" else { continue }
            for provider in ["trakt", "simkl"] {
                for fate in ["done", "dead", "pending", "verify"] {
                    let series = "queue_settled_total{fate=\"\(fate)\",provider=\"\(provider)\"} "
                    #expect(text.contains("\n" + series), "\(series)")
                }
            }
        }
    }
}
