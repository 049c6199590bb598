package import AsyncHTTPClient
package import Cryptography
import NIOCore
package import NIOHTTP1
import NIOPosix
import Outbound

/// Calls to Trakt's two hosts: the API, and the one that issues tokens.
package struct TraktHTTP: Sendable {
    /// Where Trakt is, and how this application identifies itself.
    package struct Settings: Sendable {
        /// The base URL of the API, such as `https://api.trakt.tv`.
        package let url: String
        /// The host that issues tokens, such as `https://auth.trakt.tv`; no other host does.
        package let authURL: String
        package let clientID: Secret
        /// Needed for the device flow only; the code flow uses PKCE.
        package let clientSecret: Secret?
        package let userAgent: String
        /// The single address that browsers are redirected to, as registered at Trakt.
        package let redirectURI: String

        package init(
            url: String, authURL: String, clientID: Secret, clientSecret: Secret?, userAgent: String,
            redirectURI: String
        ) {
            self.url = url
            self.authURL = authURL
            self.clientID = clientID
            self.clientSecret = clientSecret
            self.userAgent = userAgent
            self.redirectURI = redirectURI
        }
    }

    /// The outcome of a call.
    package enum Outcome: Sendable {
        case answered(TraktAnswer)
        /// Nothing was tried: no time was left, or somebody else holds the lane.
        case untried
        /// Nothing left this machine.
        case unreachable
        /// Whether it arrived is unknown.
        case brokeOff
    }

    package let settings: Settings
    private let client: HTTPClient
    private let observe: UpstreamSink?

    package init(settings: Settings, client: HTTPClient, observe: UpstreamSink? = nil) {
        self.settings = settings
        self.client = client
        self.observe = observe
    }

    /// Calls the API on behalf of a person. Ends by the deadline; a call not answered by then may have arrived.
    package func call(
        _ method: HTTPMethod, _ path: String, _ body: HTTPClientRequest.Body? = nil, token: Secret,
        until deadline: ContinuousClock.Instant
    ) async -> Outcome {
        var request = HTTPClientRequest(url: "\(settings.url)/\(path)")
        request.method = method
        request.headers.add(name: "trakt-api-version", value: "2")
        request.headers.add(name: "trakt-api-key", value: settings.clientID.revealed)
        request.headers.add(name: "authorization", value: "Bearer \(token.revealed)")
        return await send(&request, body, until: deadline)
    }

    /// Calls the host that issues tokens. Secrets are sent in the body, never in the URL.
    package func authorize(
        _ path: String, _ body: [UInt8], until deadline: ContinuousClock.Instant
    ) async -> Outcome {
        var request = HTTPClientRequest(url: "\(settings.authURL)/oauth/\(path)")
        request.method = .POST
        request.headers.add(name: "accept", value: "application/json")
        return await send(&request, .bytes(body), until: deadline)
    }

    private func send(
        _ request: inout HTTPClientRequest, _ body: HTTPClientRequest.Body?, until deadline: ContinuousClock.Instant
    ) async -> Outcome {
        request.headers.add(name: "user-agent", value: settings.userAgent)
        request.headers.add(name: "content-type", value: "application/json")
        request.body = body
        let left = deadline - .now
        guard left > .zero else { return .untried }
        let begun = ContinuousClock.now
        let outcome = await outcome(of: request, within: left)
        var status: Int?
        if case .answered(let answer) = outcome { status = answer.status }
        observe?(UpstreamCall(request.method.rawValue, request.url, status: status, duration: .now - begun))
        return outcome
    }

    private func outcome(of request: HTTPClientRequest, within left: Duration) async -> Outcome {
        do {
            return .answered(try await answer(to: request, within: left))
        } catch let error as HTTPClientError where error == .connectTimeout {
            return .unreachable
        } catch is NIOConnectionError {
            return .unreachable
        } catch is GuardedBody.LaneLost {
            return .untried
        } catch {
            return .brokeOff
        }
    }

    private func answer(to request: HTTPClientRequest, within limit: Duration) async throws -> TraktAnswer {
        try await within(limit, orThrow: HTTPClientError.deadlineExceeded) { [client] in
            let response = try await client.execute(request, deadline: .distantFuture)
            let body = try await response.body.collect(upTo: TraktLimits.bodyBytesMax)
            return TraktAnswer(
                status: Int(response.status.code),
                isHTML: response.headers.first(name: "content-type")?.hasPrefix("text/html") == true,
                retryAfter: response.headers.first(name: "retry-after"),
                rateLimit: response.headers.first(name: "x-ratelimit"),
                page: TraktPage(response.headers),
                date: response.headers.first(name: "date").flatMap { TraktAnswer.date($0) },
                body: Array(body.readableBytesView))
        }
    }
}

extension TraktPage {
    /// Reads the pagination headers, whose names come in either case.
    fileprivate init(_ headers: HTTPHeaders) {
        func number(_ name: String) -> Int? { headers.first(name: name).flatMap { Int($0) } }
        self.init(
            number: number("x-pagination-page"), limit: number("x-pagination-limit"),
            pageCount: number("x-pagination-page-count"), itemCount: number("x-pagination-item-count"))
    }
}
