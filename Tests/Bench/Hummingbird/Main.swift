import Hummingbird
import Logging

/// The peer of `gateway.hummingbird`: the web framework alone, answering with a path parameter.
@main
enum Main {
    static func main() async throws {
        guard CommandLine.arguments.count == 2, let port = Int(CommandLine.arguments[1]) else {
            throw HTTPError(.badRequest, message: "usage: bench-hummingbird PORT")
        }
        let router = Router()
        router.get("/api/v1/movies/:title") { _, context in
            try context.parameters.require("title")
        }
        var logger = Logger(label: "bench-hummingbird")
        logger.logLevel = .warning
        let application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: port), serverName: nil),
            logger: logger)
        try await application.runService()
    }
}
