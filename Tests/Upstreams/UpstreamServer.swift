import FoundationEssentials
import HTTPTypes
package import Hummingbird
import JSON
package import Logging
import NIOCore

/// Everything that makes up one running set of emulators.
package struct UpstreamServer: Sendable {
    package let desk: ControlDesk
    package let catalogue: Catalogue
    package let providers: [UpstreamName: any EmulatedProvider]
    /// The accounts at the emulated Trakt.
    package let traktAccounts: TraktAccounts
    /// The accounts at the emulated Simkl.
    package let simklAccounts: SimklAccounts
    private let control: ControlRoutes

    package init(catalogue: Catalogue = .standard) {
        let traktAccounts = TraktAccounts(catalogue: catalogue)
        self.traktAccounts = traktAccounts
        let simklAccounts = SimklAccounts(catalogue: catalogue)
        self.simklAccounts = simklAccounts
        let all: [any EmulatedProvider] = [
            TMDbEmulator(catalogue: catalogue), TVDbEmulator(catalogue: catalogue),
            TVmazeEmulator(catalogue: catalogue),
            OMDbEmulator(catalogue: catalogue), TraktEmulator(catalogue: catalogue, accounts: traktAccounts),
            LetterboxdEmulator(catalogue: catalogue), SimklEmulator(catalogue: catalogue, accounts: simklAccounts),
            AniListEmulator(catalogue: catalogue), AniDBEmulator(catalogue: catalogue),
            MyAnimeListEmulator(catalogue: catalogue), KitsuEmulator(catalogue: catalogue),
            PwnedPasswordsEmulator(),
        ]
        let providers = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
        self.catalogue = catalogue
        self.providers = providers
        desk = ControlDesk()
        control = ControlRoutes(desk: desk, catalogue: catalogue, providers: providers)
    }

    /// The web application; `onRunning` receives the port once it is listening. Port 0 takes any free one.
    package func application(
        host: String, port: Int, logger: Logger, onRunning: @escaping @Sendable (Int) async -> Void
    ) -> some ApplicationProtocol {
        Application(
            responder: CallbackResponder<UpstreamContext> { request, context in
                try await respond(to: request, context)
            },
            configuration: ApplicationConfiguration(address: .hostname(host, port: port), serverName: "upstreams"),
            onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? port) }, logger: logger)
    }

    private func respond(to request: Request, _ context: UpstreamContext) async throws -> Response {
        let path = request.uri.path
        let body = try await request.body.collect(upTo: UpstreamLimits.requestBodyBytesMax)
        let query = AddressText.query(request.uri.query ?? "")
        if path == "/healthz" { return Self.response(.json(.members(["status": "ok"]))) }
        if path == "/control" || path.hasPrefix("/control/") {
            return Self.response(
                control.answer(
                    method: request.method.rawValue, path: String(path.dropFirst("/control".count)), query: query,
                    body: Array(body.readableBytesView)))
        }
        let parts = path.dropFirst().split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.first.flatMap({ UpstreamName(rawValue: String($0)) }), let provider = providers[name]
        else { return Self.response(.json(.members(["error": "no such provider"]), status: 404)) }
        let received = UpstreamRequest(
            provider: name, method: request.method.rawValue, path: parts.count > 1 ? "/\(parts[1])" : "/", query: query,
            headers: request.headers.map { WireField($0.name.canonicalName, $0.value) },
            body: Array(body.readableBytesView))
        return try await answer(received, by: provider, context)
    }

    private func answer(
        _ request: UpstreamRequest, by provider: any EmulatedProvider, _ context: UpstreamContext
    ) async throws -> Response {
        let latency = desk.latency(request.provider)
        let isTooFast = !desk.pace.enter(request.provider)
        defer { desk.pace.leave(request.provider) }
        if latency > .zero { try await Task.sleep(for: latency) }
        let fault = desk.takeFault(request)
        let now = Int64(Date.now.timeIntervalSince1970 * 1_000)
        let sequence = desk.record(request, atMilliseconds: now, fault: fault)
        guard let fault else {
            let answer = isTooFast ? provider.rateLimited() : await provider.answer(request)
            desk.settle(sequence, status: answer.ending == .whole ? answer.status : 0)
            if case .silence(let milliseconds) = answer.ending {
                try await Task.sleep(for: .milliseconds(milliseconds))
            }
            if answer.ending != .whole { try await context.channel.close(mode: .all) }
            return Self.response(answer)
        }
        let response = try await FaultyAnswer(fault: fault, provider: provider).respond(to: request, context)
        desk.settle(sequence, status: fault.kind == .drop ? 0 : response.status.code)
        return response
    }

    static func response(_ answer: UpstreamResponse) -> Response {
        Response(
            status: HTTPResponse.Status(code: answer.status), headers: fields(answer.headers),
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body)))
    }

    static func fields(_ headers: [WireField]) -> HTTPFields {
        var fields = HTTPFields()
        for header in headers {
            if let name = HTTPField.Name(header.name) { fields.append(HTTPField(name: name, value: header.value)) }
        }
        return fields
    }
}

/// Keeps the connection with the request, so that a fault can drop it.
package struct UpstreamContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    let channel: any Channel

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}
