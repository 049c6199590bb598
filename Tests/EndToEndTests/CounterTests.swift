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
            if name == "metadata" { Self.checkProviders(text) }
            guard name == "scrobble" else { continue }
            for provider in ["trakt", "simkl"] {
                for fate in ["done", "dead", "pending", "verify"] {
                    let series = "queue_settled_total{fate=\"\(fate)\",provider=\"\(provider)\"} "
                    #expect(text.contains("\n" + series), "\(series)")
                }
            }
        }
    }

    private static let providers = [
        "tmdb", "tvdb", "tvmaze", "omdb", "trakt", "letterboxd", "simkl", "anilist", "anidb", "myanimelist", "kitsu",
    ]

    private static func checkProviders(_ text: String) {
        for provider in providers {
            for outcome in ["ok", "not_found", "limited", "refused", "failed", "timeout"] {
                let series = "provider_calls_total{outcome=\"\(outcome)\",provider=\"\(provider)\"} "
                #expect(text.contains("\n" + series), "\(series)")
            }
        }
    }

    @Test("A provider that fails shows at the admin port, apart from those that answer")
    func provider() async throws {
        let stack = try #require(Stack.current)
        _ = try await Wire.send(
            "POST", "http://127.0.0.1:\(stack.upstreams.port)/control/faults",
            body: #"{"provider":"omdb","kind":"status","status":503}"#)
        let client = try await PublicClient(try stack.service("gateway").port).registered("counter")
        let film = try await client.send("POST", "/movies/resolve", #"{"ids":{"imdb":"tt9100001"}}"#)
        #expect(film.status == 200, "\(film.answer.text)")
        let port = try stack.service("metadata").adminPort
        let text = try await Wire.send("GET", "http://127.0.0.1:\(port)/metrics").text
        func value(_ series: String) -> Double? {
            text.split(separator: "\n").first { $0.hasPrefix(series + " ") }?.split(separator: " ").last
                .flatMap { Double($0) }
        }
        for (provider, good, bad) in [("omdb", "failed", "ok"), ("tmdb", "ok", "failed")] {
            let calls = value("provider_calls_total{outcome=\"\(good)\",provider=\"\(provider)\"}")
            #expect(calls ?? 0 > 0, "\(provider): \(text)")
            #expect(value("provider_calls_total{outcome=\"\(bad)\",provider=\"\(provider)\"}") == 0, "\(provider)")
            let timed = value("provider_call_duration_seconds_count{provider=\"\(provider)\"}")
            #expect(timed ?? 0 >= calls ?? 1, "\(provider)")
        }
    }
}
