import JSON
import RPC
import Synchronization

@testable import Contracts

/// A small public surface for tests of what holds for every operation.
enum TestRoutes {
    static let all: [EdgeRoute] = make()

    struct Unlucky: Error {}

    /// Counts the pieces and bytes that arrive.
    private static let upload: EdgeRoute = .bearer(
        "upload", "POST", "/api/v1/uploads", scope: "rate", takesUpload: true
    ) {
        (request, _, _) async throws(RPCError) in
        let upload = try request.requiredUpload()
        var (pieces, bytes) = (0, 0)
        while let piece = try await upload.next() {
            pieces += 1
            bytes += piece.count
        }
        let text = "\(upload.contentType ?? "nothing") of \(bytes) in \(pieces > 1 ? "pieces" : "one")"
        return EdgeResponse(status: 200, headers: [("content-type", "text/plain")], body: Array(text.utf8))
    }

    /// Says what kind of body came, and how long it is.
    private static let measure = EdgeRoute.open("measure", "POST", "/api/v1/measure", takesAnyBody: true) {
        (request, _) async throws(RPCError) in
        let body = request.rawBody()
        let text = "\(body.contentType) \(body.bytes.count) \(body.isCut) \(body.isTooLarge)"
        return EdgeResponse(status: 200, headers: [("content-type", "text/plain")], body: Array(text.utf8))
    }

    /// Says which token came with the request.
    private static let knock = EdgeRoute.open("knock", "POST", "/api/v1/knock") { (_, context) async throws(RPCError) in
        let text = "token \(context.bearer ?? "none")"
        return EdgeResponse(status: 200, headers: [("content-type", "text/plain")], body: Array(text.utf8))
    }

    static func make(_ note: Note = Note(), events: TestEvents = TestEvents()) -> [EdgeRoute] {
        [
            .open("login", "POST", "/api/v1/auth/login") { (request, _) async throws(RPCError) in
                _ = try request.requiredBody(LoginRequest.self)
                throw .unavailable("nobody is there")
            },
            // Works until it is cancelled.
            .bearer("getMe", "GET", "/api/v1/users/me", scope: "read") { (_, _, _) async throws(RPCError) in
                events.began()
                try? await Task.sleep(for: .seconds(3_600))
                events.cancelled()
                throw .unavailable("it was cancelled")
            },
            .bearer("resolveMovie", "POST", "/api/v1/movies/resolve", scope: "read") {
                (_, _, _) async throws(RPCError) in EdgeResponse(status: 204)
            },
            .bearer("getMovie", "GET", "/api/v1/movies/{title}", scope: "read") { (_, _, _) async throws(RPCError) in
                EdgeResponse(
                    status: 200, headers: [("content-type", "text/plain")],
                    body: [UInt8](repeating: UInt8(ascii: "a"), count: 64 << 20))
            },
            // Counts to the number in the path, or forever; reports when nobody reads any more.
            .bearer("count", "GET", "/api/v1/count/{to}", scope: "read") { (request, _, _) async throws(RPCError) in
                let last = request.pathParameters["to"].flatMap { Int($0) }
                let number = Mutex(0)
                let isOver = Mutex(false)
                let stream = EdgeStream(contentType: "text/plain", name: last.map { "\($0).txt" }) {
                    let next = number.withLock { number in
                        number += 1
                        return number
                    }
                    if let last, next > last { return nil }
                    if last == nil {
                        events.began()
                        while !isOver.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(2)) }
                        return nil
                    }
                    if next == 13 { throw TestRoutes.Unlucky() }
                    return Array("\(next)\n".utf8)
                } end: {
                    isOver.withLock { $0 = true }
                    events.cancelled()
                }
                return EdgeResponse(200, EdgeReply(stream))
            },
            measure, knock,
            .bearer("getNote", "GET", "/api/v1/notes/{note}", scope: "read", isRepresentation: true) {
                (_, _, _) async throws(RPCError) in try note.read()
            },
            .bearer("putNote", "PUT", "/api/v1/notes/{note}", scope: "rate", isRepresentation: true) {
                (request, _, context) async throws(RPCError) in
                note.write(request.body, context)
                return try note.read()
            },
            // Appends a line, once per key.
            .bearer("addLine", "POST", "/api/v1/notes/{note}", scope: "rate", takesKey: true) {
                (request, _, context) async throws(RPCError) in try note.add(request.body, context)
            },
            upload,
            .bearer("deleteNote", "DELETE", "/api/v1/notes/{note}", scope: "rate") {
                (_, _, _) async throws(RPCError) in
                note.remove()
                return EdgeResponse(status: 204)
            },
        ]
    }
}

/// The state that the operations share.
final class Note: Sendable {
    private let state = Mutex<(text: [UInt8]?, contexts: [EdgeContext], answers: [String: [UInt8]])>(
        (text: nil, contexts: [], answers: [:]))

    /// The contexts of all writes.
    var contexts: [EdgeContext] { state.withLock(\.contexts) }

    func read() throws(RPCError) -> EdgeResponse {
        guard let text = state.withLock(\.text) else { throw .ratingNotFound() }
        return EdgeResponse(status: 200, headers: [("content-type", "text/plain")], body: text)
    }

    func write(_ text: [UInt8], _ context: EdgeContext) {
        state.withLock { state in
            state.text = text
            state.contexts.append(context)
        }
    }

    /// Appends a line and returns all of them, or the earlier answer under the same key. A line must not have a
    /// question mark.
    func add(_ line: [UInt8], _ context: EdgeContext) throws(RPCError) -> EdgeResponse {
        guard !line.contains(UInt8(ascii: "?")) else { throw .wrongKind("a question is no line") }
        let text = state.withLock { state in
            if let kept = context.once.flatMap({ state.answers[$0.key] }) { return kept }
            let text = (state.text ?? []) + line
            state.text = text
            state.contexts.append(context)
            if let once = context.once { state.answers[once.key] = text }
            return text
        }
        return EdgeResponse(status: 201, headers: [("content-type", "text/plain")], body: text)
    }

    func remove() { state.withLock { $0.text = nil } }
}

/// Reports what happens to an operation that never ends by itself.
final class TestEvents: Sendable {
    private let stream = AsyncStream.makeStream(of: String.self)

    func began() { stream.continuation.yield("began") }
    func cancelled() { stream.continuation.yield("cancelled") }

    /// Returns the next event.
    func next() async -> String? {
        for await event in stream.stream { return event }
        return nil
    }
}
