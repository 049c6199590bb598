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

    @Option(help: "An export (archive, folder or CSV file) whose films every provider has, with invented scores.")
    var titles: String?

    @Option(help: "Milliseconds that every answer takes.")
    var latency = 0

    @Option(help: "Address that the emulated Trakt sends browsers back to, beside the usual one.")
    var traktRedirect: String?

    func run() async throws {
        var logger = Logger(label: "upstreams")
        logger.logLevel = .notice
        let ready = logger
        let host = host
        let more = try titles.map { try ExportTitles.titles(at: $0) } ?? []
        let server = UpstreamServer(catalogue: .standard(adding: generated, and: more))
        if let traktRedirect { server.traktAccounts.tokens.behave { $0.redirects.insert(traktRedirect) } }
        server.desk.setLatency(.milliseconds(latency))
        let application = server.application(host: host, port: port, logger: logger) { port in
            ready.notice("listening", metadata: ["url": "http://\(host):\(port)"])
        }
        try await application.runService()
    }
}
