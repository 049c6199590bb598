import ArgumentParser
import Hummingbird
import Logging
import UpstreamEmulators

@main
struct Upstreams: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upstreams", abstract: "Emulates the outside providers, with an invented catalogue.")

    @Option(help: "Address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "Port to listen on; 0 takes any free one.")
    var port = 7900

    @Option(help: "Titles to add that every provider has, for measuring.")
    var generated = 0

    @Option(help: "Milliseconds that every answer takes.")
    var latency = 0

    func run() async throws {
        var logger = Logger(label: "upstreams")
        logger.logLevel = .notice
        let ready = logger
        let host = host
        let server = UpstreamServer(catalogue: .standard(adding: generated))
        server.desk.setLatency(.milliseconds(latency))
        let application = server.application(host: host, port: port, logger: logger) { port in
            ready.notice("listening", metadata: ["url": "http://\(host):\(port)"])
        }
        try await application.runService()
    }
}
