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

    func run() async throws {
        var logger = Logger(label: "upstreams")
        logger.logLevel = .notice
        let ready = logger
        let host = host
        let application = UpstreamServer().application(host: host, port: port, logger: logger) { port in
            ready.notice("listening", metadata: ["url": "http://\(host):\(port)"])
        }
        try await application.runService()
    }
}
