import Edge
import Testing

/// Clients that hold connections without ever finishing.
@Suite(.serialized) struct ConnectionTests: EdgeServing {
    @Test("A header that trickles is refused in time, however lively it looks")
    func slowHeader() async throws {
        var limits = EdgeLimits()
        limits.headerTimeout = .seconds(1)
        try await withServer(limits) { port in
            let client = try RawClient(port: port)
            client.write("GET /api/v1/nowhere HTTP/1.1\r\nhost: api\r\n")
            let drip = Task {
                var number = 0
                while !Task.isCancelled {
                    number += 1
                    client.write("x-\(number): 1\r\n")
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            let begun = ContinuousClock.now
            let answer = try await client.readToEnd()
            drip.cancel()
            #expect(answer.hasPrefix("HTTP/1.1 408 "), "\(answer)")
            #expect(answer.contains("\"requestTimeout\""))
            #expect((.seconds(1)...(.seconds(6))).contains(ContinuousClock.now - begun))
        }
    }

    @Test("The next header of a connection has the same time, and one that comes in time is served")
    func nextHeader() async throws {
        var limits = EdgeLimits()
        limits.headerTimeout = .seconds(1)
        try await withServer(limits) { port in
            let client = try RawClient(port: port)
            client.write("GET /api/v1/nowhere HTTP/1.1\r\nhost: api\r\n\r\n")
            #expect(try await client.read { $0.contains("routeNotFound") }.hasPrefix("HTTP/1.1 404 "))
            client.write("GET /api/v1/nowhere HTTP/1.1\r\n")
            #expect(try await client.readToEnd().hasPrefix("HTTP/1.1 408 "))
        }
    }

    @Test("A connection on which nothing happens is closed")
    func idle() async throws {
        var limits = EdgeLimits()
        limits.idleTimeout = .seconds(1)
        try await withServer(limits) { port in
            let client = try RawClient(port: port)
            #expect(try await client.readToEnd() == "")
        }
    }

    @Test(
        "One address has only so many connections, others are served meanwhile, and a place that is left is free again")
    func crowd() async throws {
        var limits = EdgeLimits()
        limits.addressConnectionsMax = 20
        try await withServer(limits) { port in
            func asks(_ client: RawClient) async throws -> String {
                client.write("GET /api/v1/nowhere HTTP/1.1\r\nhost: api\r\n\r\n")
                return try await client.read { $0.contains("routeNotFound") }
            }
            var crowd: [RawClient] = []
            for _ in 0..<20 { crowd.append(try RawClient(port: port)) }
            for client in crowd { #expect(try await asks(client).hasPrefix("HTTP/1.1 404 ")) }
            let beyond = try RawClient(port: port)
            #expect(try await beyond.readToEnd() == "")
            let elsewhere = try RawClient(port: port, from: "127.0.0.2")
            #expect(try await asks(elsewhere).hasPrefix("HTTP/1.1 404 "))
            crowd.removeLast()
            var isFree = false
            let patience = ContinuousClock.now.advanced(by: .seconds(5))
            while !isFree, ContinuousClock.now < patience {
                isFree = try await asks(try RawClient(port: port)).hasPrefix("HTTP/1.1 404 ")
            }
            #expect(isFree)
        }
    }

    @Test("A trusted proxy has the connections of everybody")
    func proxy() async throws {
        var limits = EdgeLimits()
        limits.addressConnectionsMax = 2
        let proxies = TrustedProxies([try #require(NetworkRange("127.0.0.1"))])
        try await withServer(limits, proxies: proxies) { port in
            var crowd: [RawClient] = []
            for _ in 0..<5 { crowd.append(try RawClient(port: port)) }
            for client in crowd {
                client.write("GET /api/v1/nowhere HTTP/1.1\r\nhost: api\r\n\r\n")
                #expect(try await client.read { $0.contains("routeNotFound") }.hasPrefix("HTTP/1.1 404 "))
            }
        }
    }

    @Test(
        "No more connections than there are files for, with some left for everything else",
        arguments: [(1_048_576, 16_384), (4_096, 3_840), (1_024, 768), (256, 1), (0, 1)])
    func descriptors(count: Int, expected: Int) {
        #expect(EdgeLimits().connections(descriptors: count) == expected)
    }
}
