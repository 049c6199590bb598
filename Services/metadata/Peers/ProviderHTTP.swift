package import AsyncHTTPClient
package import JSON
import NIOCore
import NIOHTTP1
import Outbound

/// Guards every call to one provider: its pace, its concurrent calls, and whether it may be asked now.
package protocol ProviderGate: Sendable {
    /// Waits for the call's turn. Throws `busy` if it does not come in time and `resting` if the provider is left alone
    /// for a while; then the call is not made, and `leave` must not be called.
    func enter() async throws(ProviderError)
    /// Ends the call, whatever its outcome.
    func leave()
}

/// Outbound calls to one provider: a client shared by all, the provider's gate, a limit on the body, and one deadline
/// for the whole call.
package struct ProviderHTTP: Sendable {
    package let limits: ProviderLimits
    private let client: HTTPClient
    private let userAgent: String
    private let gate: (any ProviderGate)?
    /// Nil if calls are not counted.
    private let calls: ProviderCalls?
    /// Nil if answers are not kept.
    let shelf: (any EntryShelf)?

    /// Does not take ownership of the client: its creator shuts it down.
    package init(
        client: HTTPClient, limits: ProviderLimits = .standard, userAgent: String, gate: (any ProviderGate)? = nil,
        calls: ProviderCalls? = nil, shelf: (any EntryShelf)? = nil
    ) {
        self.client = client
        self.limits = limits
        self.userAgent = userAgent
        self.gate = gate
        self.calls = calls
        self.shelf = shelf
    }

    /// Returns the configuration of the shared client. Redirects are not followed: an answer must not send our key
    /// elsewhere. Nothing is decompressed because nothing compressed is asked for.
    package static func configuration() -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout.connect = .seconds(5)
        // The gates limit the calls; the client's own limit of 8 would make all providers behind one proxy share 8.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = ProviderLimits.connectionsPerHostMax
        return configuration
    }

    /// Gets one address. Every status is an answer, and `read` returns what it tells or throws what it means. `onTurn`
    /// is called once the call's turn has come. Also throws `timeout`, `unavailable`, `malformed` for too large a body,
    /// and what the gate and `onTurn` throw. The call is counted by the error thrown.
    ///
    /// With the `validator` of an earlier answer from the same address, the status is 304 if nothing has changed.
    /// `bytesMax` replaces the limit of the body.
    package func get<Told: Sendable>(
        _ address: ProviderAddress, headers: [(name: String, value: String)] = [], validator: String? = nil,
        bytesMax: Int? = nil, read: (ProviderHTTPAnswer) throws(ProviderError) -> Told,
        onTurn: () async throws(ProviderError) -> Void = { () async throws(ProviderError) in }
    ) async throws(ProviderError) -> Told {
        let headers = headers + (validator.map { [(name: "if-none-match", value: $0)] } ?? [])
        return try await send(
            .GET, address, headers: headers, body: nil, bytesMax: bytesMax, read: read, onTurn: onTurn)
    }

    /// Posts a body, which must change nothing at the provider; otherwise like `get`.
    package func post<Told: Sendable>(
        _ address: ProviderAddress, headers: [(name: String, value: String)] = [], contentType: String, body: [UInt8],
        read: (ProviderHTTPAnswer) throws(ProviderError) -> Told
    ) async throws(ProviderError) -> Told {
        let headers = headers + [(name: "content-type", value: contentType)]
        return try await send(.POST, address, headers: headers, body: body, read: read)
    }

    private func send<Told: Sendable>(
        _ method: HTTPMethod, _ address: ProviderAddress, headers: [(name: String, value: String)], body: [UInt8]?,
        bytesMax: Int? = nil, read: (ProviderHTTPAnswer) throws(ProviderError) -> Told,
        onTurn: () async throws(ProviderError) -> Void = { () async throws(ProviderError) in }
    ) async throws(ProviderError) -> Told {
        var request = HTTPClientRequest(url: address.url)
        request.method = method
        request.headers.add(name: "user-agent", value: userAgent)
        if !headers.contains(where: { $0.name == "accept" }) {
            request.headers.add(name: "accept", value: "application/json")
        }
        for header in headers { request.headers.add(name: header.name, value: header.value) }
        if let body { request.body = .bytes(body) }
        try await gate?.enter()
        defer { gate?.leave() }
        try await onTurn()
        let start = ContinuousClock.now
        do throws(ProviderError) {
            let told = try read(try await answer(request, bytesMax: bytesMax ?? limits.bodyBytesMax))
            calls?.ended(nil, after: start.duration(to: .now))
            return told
        } catch {
            calls?.ended(error, after: start.duration(to: .now))
            throw error
        }
    }

    private func answer(
        _ request: HTTPClientRequest, bytesMax: Int
    ) async throws(ProviderError) -> ProviderHTTPAnswer {
        do {
            return try await within(limits.callTimeout, orThrow: ProviderError.timeout) {
                try await fetch(request, bytesMax: bytesMax)
            }
        } catch {
            throw Self.providerError(error)
        }
    }

    private func fetch(_ request: HTTPClientRequest, bytesMax: Int) async throws -> ProviderHTTPAnswer {
        let response = try await client.execute(request, deadline: .distantFuture)
        let body = try await response.body.collect(upTo: bytesMax)
        return ProviderHTTPAnswer(
            status: Int(response.status.code), contentType: response.headers.first(name: "content-type"),
            retryAfter: response.headers.first(name: "retry-after"), location: response.headers.first(name: "location"),
            validator: response.headers.first(name: "etag").flatMap(Self.validator), body: Array(body.readableBytesView)
        )
    }

    /// Returns the validator if it can be sent back as it is.
    private static func validator(_ text: String) -> String? {
        let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        return isPlain && text.utf8.count <= ProviderLimits.validatorBytesMax ? text : nil
    }

    private static func providerError(_ error: any Error) -> ProviderError {
        switch error {
        case let error as ProviderError: return error
        case is CancellationError: return .timeout
        case is NIOTooManyBytesError: return .malformed("the body is too large")
        case let error as HTTPClientError:
            let late: [HTTPClientError] = [.cancelled, .deadlineExceeded, .readTimeout, .connectTimeout]
            return late.contains(error) ? .timeout : .unavailable(error.shortDescription)
        default: return .unavailable("the connection failed")
        }
    }
}

/// The client keeps the requests under way, whose addresses may hold keys, so no description may reflect it.
extension ProviderHTTP: CustomStringConvertible, CustomReflectable {
    package var description: String { "ProviderHTTP" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// A provider's answer, before it is interpreted.
package struct ProviderHTTPAnswer: Sendable {
    package let status: Int
    package let contentType: String?
    package let retryAfter: String?
    /// The target of a redirect, which is not followed.
    package let location: String?
    /// The entity tag, by which the provider can tell later whether this is unchanged.
    package let validator: String?
    package let body: [UInt8]

    package init(
        status: Int, contentType: String? = nil, retryAfter: String? = nil, location: String? = nil,
        validator: String? = nil, body: [UInt8]
    ) {
        self.status = status
        self.contentType = contentType
        self.retryAfter = retryAfter
        self.location = location
        self.validator = validator
        self.body = body
    }

    /// Whether what came with the validator still holds.
    package var isUnchanged: Bool { status == 304 }

    /// Whether a web page came instead of data, whatever the status.
    package var isHTML: Bool {
        if contentType?.lowercased().hasPrefix("text/html") == true { return true }
        return body.first { !($0 == 0x20 || (0x09...0x0D).contains($0)) } == UInt8(ascii: "<")
    }

    /// Returns the seconds from Retry-After, capped at `limit`; nil if it is absent or a date.
    package func retryAfter(atMost limit: Duration) -> Duration? {
        guard let retryAfter, let seconds = Int(retryAfter), seconds >= 0 else { return nil }
        return min(.seconds(min(seconds, 1_000_000)), limit)
    }

    /// Returns what an unsuccessful status means at most providers; nil for 200 to 299.
    package func failure(_ limits: ProviderLimits) -> ProviderError? {
        switch status {
        case 200..<300: nil
        case 404 where !isHTML, 410 where !isHTML: .notFound
        case 429: .rateLimited(retryAfter: retryAfter(atMost: limits.retryAfterMax))
        case 401 where !isHTML, 403 where !isHTML: .unauthorized
        case 400, 405, 406, 422: .malformed("the request was refused with status \(status)")
        default: .unavailable("status \(status)")
        }
    }

    /// Returns the body as JSON, as far as `selection` keeps it. Throws `unavailable` for a web page and `malformed`
    /// for anything else. If a name occurs twice, the first counts.
    package func json(keeping selection: JSONSelection? = nil) throws(ProviderError) -> JSONView {
        if isHTML { throw .unavailable("it answered with a web page and status \(status)") }
        do throws(JSONError) {
            return try viewJSON(keeping: selection, of: body)
        } catch {
            throw .malformed("the body is not JSON: \(error)")
        }
    }
}

/// Values that providers write in more than one way.
extension JSONView {
    /// A number, exactly as written.
    var figure: NativeFigure? { number.flatMap { NativeFigure($0.text) } }

    /// An id, as a number or as digits.
    var outsideID: Int64? { SubjectIDs.checked(int ?? string.flatMap { Int($0) }) }

    /// A count, as a number or as digits.
    var tally: Int64? { (int ?? string.flatMap { Int($0) }).map { Int64($0) } }

    /// The number of a season or an episode, 0 … 100 000.
    var place: Int? { int.flatMap { (0...100_000).contains($0) ? $0 : nil } }

    /// A day, or a part of one.
    var day: PartialDate? { string.flatMap { PartialDate(iso: $0) } }
}
