import Stack
import Testing

/// Counters before the first event.
@Suite(.stack, .serialized)
struct CounterTests {
    /// If a counter is first scraped at one, no increase is visible, and its alert once stayed silent.
    @Test("What alerts wait for is counted from the start")
    func start() async throws {
        let stack = try #require(Stack.current)
        for name in ["metadata", "ratings", "scrobble", "gateway"] {
            let port = try stack.service(name).adminPort
            let text = try await Wire.send("GET", "http://127.0.0.1:\(port)/metrics").text
            for kind in ["pings", "ownResets", "writeTimeout"] {
                #expect(text.contains("\nhttp2_abuse_total{kind=\"\(kind)\"} "), "\(name): \(kind)")
            }
            #expect(text.contains("\nreelay_metrics_refused_total 0\n"), "\(name): too many series")
            for wanted in ["statement", "connection"] {
                #expect(
                    text.contains("\npostgres_wait_duration_seconds_count{for=\"\(wanted)\"} "), "\(name): \(wanted)")
            }
            #expect(text.contains("\nclock_offset_seconds "), "\(name)")
            if name == "metadata" { Self.checkProviders(text) }
            if name == "gateway" { Self.checkRefusals(text) }
            guard name == "scrobble" else { continue }
            for provider in ["trakt", "simkl"] {
                for fate in ["done", "dead", "pending", "verify"] {
                    let series = "queue_settled_total{fate=\"\(fate)\",provider=\"\(provider)\"} "
                    #expect(text.contains("\n" + series), "\(series)")
                }
                for outcome in ["renewed", "lost", "refused", "turned_away", "put_off"] {
                    let series = "token_refreshes_total{outcome=\"\(outcome)\",provider=\"\(provider)\"} "
                    #expect(text.contains("\n" + series), "\(series)")
                }
                for state in ["done", "held", "failed"] {
                    let series = "sync_runs_total{provider=\"\(provider)\",state=\"\(state)\"} "
                    #expect(text.contains("\n" + series), "\(series)")
                }
            }
            for series in ["imports_failed_total", "imports_resumed_total", "imports_troubles_total"] {
                #expect(text.contains("\n\(series) "), "\(series)")
            }
        }
    }

    private static let refusals = [
        ("edge_connections_refused_total", "reason", ["address", "full", "tls"]),
        (
            "edge_requests_refused_total", "reason",
            ["malformed", "large_head", "slow_head", "slow_body", "small_pieces"]
        ),
        (
            "edge_http2_abuse_total", "kind",
            [
                "idle_frames", "pings", "stalled", "resets", "frames", "large_head", "streams", "address_streams",
                "bodies", "malformed",
            ]
        ),
        ("edge_requests_waited_total", "protocol", ["http1", "http2"]),
    ]

    private static func checkRefusals(_ text: String) {
        for (name, label, values) in refusals {
            for value in values {
                #expect(text.contains("\n\(name){\(label)=\"\(value)\"} "), "\(name): \(value)")
            }
        }
    }

    /// Sends something that is not HTTP, and opens eight connections more than one address may have; prints the answer
    /// to the former and the number of the latter that were closed.
    private static let strangers = """
        import select, socket, sys, time
        port = int(sys.argv[1])
        line = socket.create_connection(("127.0.0.1", port), 10)
        line.sendall(b"this is no HTTP\\r\\n\\r\\n")
        print(line.recv(65536).split(b"\\r\\n")[0].decode())
        crowd = [socket.create_connection(("127.0.0.1", port), 10, ("127.0.0.9", 0)) for _ in range(264)]
        closed, end = 0, time.monotonic() + 10
        while closed < 8 and time.monotonic() < end:
            for line in select.select(crowd, [], [], 0.5)[0]:
                crowd.remove(line)
                closed += 1
        print(closed)
        """

    @Test("Whom the public side turns away shows at its admin port")
    func turnedAway() async throws {
        let stack = try #require(Stack.current)
        let gateway = try stack.service("gateway")
        let malformed = try await FaultMetric(#"edge_requests_refused_total{reason="malformed"}"#, of: gateway)
        let crowd = try await FaultMetric(#"edge_connections_refused_total{reason="address"}"#, of: gateway)
        let told = try await Command.run("python3", ["-c", Self.strangers, String(gateway.port)])
        #expect(told.hasPrefix("HTTP/1.1 400") && told.split(separator: "\n").last == "8", "\(told)")
        try await malformed.rises()
        try await crowd.rises(by: 8)
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

    @Test("A provider that fails, and one that refuses the key, show at the admin port, apart from the others")
    func provider() async throws {
        let stack = try #require(Stack.current)
        let metadata = try stack.service("metadata")
        let failed = try await FaultMetric(#"provider_calls_total{outcome="failed"}"#, of: metadata)
        let refused = try await FaultMetric(#"provider_calls_total{outcome="refused"}"#, of: metadata)
        for fault in [
            #"{"provider":"omdb","kind":"status","status":503}"#, #"{"provider":"simkl","kind":"status","status":401}"#,
        ] {
            _ = try await Wire.send(
                "POST", "http://127.0.0.1:\(stack.upstreams.port)/control/faults", body: fault)
        }
        let client = try await PublicClient(try stack.service("gateway").port).registered("counter")
        let film = try await client.send("POST", "/movies/resolve", #"{"ids":{"imdb":"tt9100001"}}"#)
        #expect(film.status == 200, "\(film.answer.text)")
        try await failed.rises()
        try await refused.rises()
        let text = try await Wire.send("GET", "http://127.0.0.1:\(metadata.adminPort)/metrics").text
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
