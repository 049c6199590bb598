package import AsyncHTTPClient
import Contracts
package import Cryptography
import JSON
import NIOCore
package import NIOHTTP1
import NIOPosix
import Outbound
import Store

/// Calls to Simkl, each of which names the calling application in the URL and in a header.
package struct SimklHTTP: Sendable {
    /// Where Simkl is, and how this application identifies itself.
    package struct Settings: Sendable {
        /// The base URL of the API, such as `https://api.simkl.com`.
        package let url: String
        /// Where people give consent, such as `https://simkl.com`; also the issuer (RFC 9207).
        package let siteURL: String
        /// Where Simkl redirects browsers to.
        package let redirectURI: String
        package let clientID: Secret
        /// The secret of a confidential application; only such a one needs it, to renew V2 tokens.
        package let clientSecret: Secret?
        /// The application's version, such as `1.0`.
        package let version: String

        package init(
            url: String, siteURL: String, redirectURI: String, clientID: Secret, clientSecret: Secret?, version: String
        ) {
            self.url = url
            self.siteURL = siteURL
            self.redirectURI = redirectURI
            self.clientID = clientID
            self.clientSecret = clientSecret
            self.version = version
        }
    }

    /// The outcome of a call.
    package enum Outcome: Sendable {
        case answered(SimklAnswer)
        /// Nothing was tried: no time was left, holds could not be read, or somebody else holds the lane.
        case untried
        /// Nothing was tried: Simkl has rejected the client id, and nobody is to call it for this long.
        case held(Duration)
        /// Nothing left this machine.
        case unreachable
        /// Whether it arrived is unknown.
        case brokeOff
    }

    package static let appName = "reelay"

    package let settings: Settings
    private let holds: HoldStore
    private let client: HTTPClient
    private let observe: UpstreamSink?

    package init(settings: Settings, holds: HoldStore, client: HTTPClient, observe: UpstreamSink? = nil) {
        self.observe = observe
        self.settings = settings
        self.holds = holds
        self.client = client
    }

    /// Calls a path, which may have a query; on behalf of a person if there is a token. The request ends by the
    /// deadline. A rejected client id is rejected for everybody, and a call during a block would prolong it.
    package func call(
        _ method: HTTPMethod, _ path: String, _ body: HTTPClientRequest.Body? = nil, token: Secret? = nil,
        type: String = "application/json", until deadline: ContinuousClock.Instant
    ) async -> Outcome {
        do throws(StoreError) {
            let left = try await holds.left(of: .simkl, until: min(deadline, .now + Self.holdTimeout))
            if let left { return .held(left) }
        } catch {
            return .untried
        }
        let begun = ContinuousClock.now
        let outcome = await ask(method, path, body, token: token, type: type, until: deadline)
        tell(method, path, outcome, after: .now - begun)
        if case .answered(let answer) = outcome, answer.status == 412 {
            try? await holds.hold(.simkl, for: SimklLimits.blockWait, until: .now + Self.holdTimeout)
        }
        return outcome
    }

    /// Posts a form to a V2 endpoint, with the application's credentials in it.
    func form(
        _ path: String, _ members: [(String, String)], until deadline: ContinuousClock.Instant
    ) async -> Outcome {
        var members = members + [("client_id", settings.clientID.revealed)]
        if let secret = settings.clientSecret { members.append(("client_secret", secret.revealed)) }
        return await call(
            .POST, "oauth2/\(path)", .bytes(Array(CodeAuthorization.form(members).utf8)),
            type: "application/x-www-form-urlencoded", until: deadline)
    }

    private static let holdTimeout = Duration.seconds(5)

    private func tell(_ method: HTTPMethod, _ path: String, _ outcome: Outcome, after duration: Duration) {
        var status: Int?
        switch outcome {
        case .answered(let answer): status = answer.status
        case .untried, .held: return
        case .unreachable, .brokeOff: break
        }
        observe?(UpstreamCall(method.rawValue, "\(settings.url)/\(path)", status: status, duration: duration))
    }

    private func ask(
        _ method: HTTPMethod, _ path: String, _ body: HTTPClientRequest.Body?, token: Secret?, type: String,
        until deadline: ContinuousClock.Instant
    ) async -> Outcome {
        let id = settings.clientID.revealed
        var request = HTTPClientRequest(
            url:
                "\(settings.url)/\(path)\(path.contains("?") ? "&" : "?")client_id=\(id)&app-name=\(Self.appName)&app-version=\(settings.version)"
        )
        request.method = method
        request.headers.add(name: "simkl-api-key", value: id)
        request.headers.add(name: "user-agent", value: "\(Self.appName)/\(settings.version)")
        request.headers.add(name: "accept", value: "application/json")
        if let token { request.headers.add(name: "authorization", value: "Bearer \(token.revealed)") }
        if let body {
            request.headers.add(name: "content-type", value: type)
            request.body = body
        }
        let left = deadline - .now
        guard left > .zero else { return .untried }
        do {
            return .answered(try await answer(to: request, within: left))
        } catch let error as HTTPClientError where error == .connectTimeout {
            return .unreachable
        } catch is NIOConnectionError {
            return .unreachable
        } catch is NIOTooManyBytesError {
            // Like a list that is too long for Simkl, one too long to read here is requested in parts.
            return .answered(SimklAnswer(status: 413))
        } catch is GuardedBody.LaneLost {
            return .untried
        } catch {
            return .brokeOff
        }
    }

    private func answer(to request: HTTPClientRequest, within limit: Duration) async throws -> SimklAnswer {
        try await within(limit, orThrow: HTTPClientError.deadlineExceeded) { [client] in
            let response = try await client.execute(request, deadline: .distantFuture)
            let body = try await response.body.collect(upTo: SimklLimits.bodyBytesMax)
            return SimklAnswer(
                status: Int(response.status.code),
                isHTML: response.headers.first(name: "content-type")?.hasPrefix("text/html") == true,
                retryAfter: response.headers.first(name: "retry-after"),
                date: response.headers.first(name: "date").flatMap { TraktAnswer.date($0) },
                body: Array(body.readableBytesView))
        }
    }
}
