import GRPCCore
import GRPCNIOTransportHTTP2Posix

@main
struct Main {
    static func main() async throws {
        guard CommandLine.arguments.count == 2, let port = Int(CommandLine.arguments[1]) else { throw UsageError() }
        let server = GRPCServer(
            transport: .http2NIOPosix(address: .ipv4(host: "127.0.0.1", port: port), transportSecurity: .plaintext),
            services: [RatingsPeer()])
        try await server.serve()
    }
}

struct UsageError: Error, CustomStringConvertible {
    let description = "usage: bench-grpc-swift PORT"
}
