import Contracts
import RPC
import Synchronization
import Testing

@testable import Edge

/// Keeps notes in memory.
private final class Book: ConditionBook {
    private let state = Mutex((notes: [EdgeOnce: UserID](), questions: 0))

    var questions: Int { state.withLock(\.questions) }

    func note(_ once: EdgeOnce, of user: UserID, until deadline: ContinuousClock.Instant) async throws(RPCError) {
        state.withLock { state in
            state.questions += 1
            state.notes[once] = user
        }
    }

    func isNoted(
        _ once: EdgeOnce, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(RPCError) -> Bool {
        state.withLock { state in
            state.questions += 1
            return state.notes[once] == user
        }
    }

    func forget(_ once: EdgeOnce, of user: UserID, until deadline: ContinuousClock.Instant) async throws(RPCError) {
        state.withLock { $0.notes[once] = nil }
    }
}

/// Records the outcomes of calls, by operation and code.
private final class Ear: EdgeWatcher {
    private let state = Mutex([String]())

    var heard: [String] { state.withLock { $0 } }

    func hear(
        _ answer: EdgeResponse, of operation: String, to request: EdgeRequest, from caller: EdgeCaller?,
        _ context: EdgeContext
    ) {
        state.withLock { $0.append("\(operation) \(answer.code ?? "")") }
    }
}

/// Entity tags, conditions and idempotency keys, which work the same for every operation.
@Suite(.serialized) struct ConditionTests: EdgeServing {
    private static func ask(
        _ port: Int, _ method: String, _ fields: [String] = [], _ body: String = "", token: String = "good"
    ) async throws -> (status: String, tag: String?, text: String) {
        let text = try await exchange(
            port,
            ([
                "\(method) /api/v1/notes/1 HTTP/1.1", "host: api", "connection: close",
                "authorization: Bearer \(token)", "content-length: \(body.utf8.count)",
            ] + fields + ["", body])
            .joined(separator: "\r\n"))
        let tag = text.split(separator: "\r\n").first { $0.hasPrefix("etag: ") }.map { String($0.dropFirst(6)) }
        return (String(text.dropFirst(9).prefix(3)), tag, text)
    }

    /// Browsers used to be allowed to keep them.
    @Test("A read has a tag, and is not sent again to whom has it; no browser may keep it or that it has not changed")
    func reads() async throws {
        try await withServer(routes: TestRoutes.make()) { port in
            let written = try await Self.ask(port, "PUT", [], "one")
            let read = try await Self.ask(port, "GET")
            #expect(read.status == "200")
            #expect(read.tag != nil && read.tag == written.tag)
            func isForNoDisk(_ text: String) -> Bool {
                let fields = text.split(separator: "\r\n").filter { $0.lowercased().hasPrefix("cache-control:") }
                return fields == ["cache-control: no-store"]
            }
            #expect(isForNoDisk(written.text) && isForNoDisk(read.text), "\(read.text)")
            let tag = try #require(read.tag)
            for field in [tag, "W/\(tag)", "\"x\", \(tag)", "*"] {
                let again = try await Self.ask(port, "GET", ["if-none-match: \(field)"])
                #expect(again.status == "304", "\(field): \(again.text)")
                #expect(again.tag == tag && again.text.hasSuffix("\r\n\r\n"), "\(again.text)")
                #expect(isForNoDisk(again.text), "\(again.text)")
                #expect(try await Self.ask(port, "HEAD", ["if-none-match: \(field)"]).status == "304")
            }
            #expect(try await Self.ask(port, "GET", ["if-none-match: \"x\""]).status == "200")
            #expect(try await Self.ask(port, "PUT", [], "two").tag != tag)
            #expect(try await Self.ask(port, "GET", ["if-none-match: \(tag)"]).status == "200")
        }
    }

    @Test("A write happens only where its condition holds")
    func writes() async throws {
        let note = Note()
        try await withServer(routes: TestRoutes.make(note)) { port in
            #expect(try await Self.ask(port, "PUT", ["if-match: *"], "one").status == "412", "nothing is there")
            #expect(try await Self.ask(port, "PUT", ["if-none-match: *"], "one").status == "200")
            #expect(try await Self.ask(port, "PUT", ["if-none-match: *"], "two").status == "412")
            let current = try await Self.ask(port, "GET")
            let tag = try #require(current.tag)
            let stale = try await Self.ask(port, "PUT", ["if-match: \"stale\""], "two")
            #expect(stale.status == "412" && stale.text.contains("preconditionFailed"), "\(stale.text)")
            #expect(try await Self.ask(port, "PUT", ["if-match: W/\(tag)"], "two").status == "412", "weak tags never")
            #expect(try await Self.ask(port, "DELETE", ["if-match: \"stale\""]).status == "412")
            #expect(note.contexts.count == 1)
            // A caller that may write but not read is held to the condition all the same.
            #expect(
                try await Self.ask(port, "PUT", ["if-match: \"x\", \(tag)"], "two", token: "writer").status == "200")
            #expect(try await Self.ask(port, "PUT", ["if-match: \(tag)"], "three").status == "412")
            #expect(try await Self.ask(port, "DELETE", ["if-match: *"]).status == "204")
        }
    }

    /// It used to be answered with 412, because its condition failed on its own earlier change.
    @Test("A request that comes again under its key is answered as before, whatever its condition says by now")
    func repeats() async throws {
        let (note, book) = (Note(), Book())
        try await withServer(routes: TestRoutes.make(note), conditions: book) { port in
            _ = try await Self.ask(port, "PUT", [], "one ")
            let tag = try #require(try await Self.ask(port, "GET").tag)
            #expect(book.questions == 0, "nobody else pays for it")
            let fields = ["if-match: \(tag)", "idempotency-key: k"]
            for _ in 0..<3 {
                let answer = try await Self.ask(port, "POST", fields, "two")
                #expect(answer.status == "201" && answer.text.hasSuffix("one two"), "\(answer.text)")
            }
            #expect(note.contexts.count == 2)
            // A request with another body or another key is not a repeat.
            #expect(try await Self.ask(port, "POST", fields, "three").status == "412")
            #expect(
                try await Self.ask(port, "POST", ["if-match: \(tag)", "idempotency-key: l"], "two").status == "412")
            // Where keys have no meaning, they change nothing.
            let put = ["if-match: \(tag)", "idempotency-key: k"]
            #expect(try await Self.ask(port, "PUT", put, "two").status == "412")
            let asked = book.questions
            #expect(try await Self.ask(port, "POST", ["if-match: \(tag)"], "two").status == "412")
            #expect(try await Self.ask(port, "POST", ["idempotency-key: m"], "!").status == "201")
            #expect(book.questions == asked)
        }
    }

    @Test("A request that was refused must hold its condition when it comes again")
    func refusals() async throws {
        let (note, book) = (Note(), Book())
        try await withServer(routes: TestRoutes.make(note), conditions: book) { port in
            _ = try await Self.ask(port, "PUT", [], "one")
            let tag = try #require(try await Self.ask(port, "GET").tag)
            let fields = ["if-match: \(tag)", "idempotency-key: k"]
            #expect(try await Self.ask(port, "POST", fields, "two?").status == "422")
            _ = try await Self.ask(port, "PUT", [], "other")
            #expect(try await Self.ask(port, "POST", fields, "two?").status == "412")
        }
    }

    @Test("A reader may not write by way of a condition")
    func scopes() async throws {
        let note = Note()
        try await withServer(routes: TestRoutes.make(note)) { port in
            let refused = try await Self.ask(port, "PUT", ["if-none-match: *"], "one", token: "key")
            #expect(refused.status == "403")
            #expect(note.contexts.isEmpty)
        }
    }

    /// The representation used to be read for them, and the answer revealed whether it matched their condition.
    @Test(
        "Who has a password to change, or a second factor to get, learns nothing by a condition, and that they were refused is heard",
        arguments: [("newcomer", "passwordChangeRequired"), ("plain", "secondFactorMissing")])
    func givenPasswords(token: String, code: String) async throws {
        let (note, ear) = (Note(), Ear())
        try await withServer(routes: TestRoutes.make(note).map { $0.watched(by: ear) }) { port in
            let written = try await Self.ask(port, "PUT", [], "one")
            let tag = try #require(written.tag)
            for field in ["if-match: \(tag)", "if-match: \"stale\"", "if-none-match: *"] {
                let refused = try await Self.ask(port, "PUT", [field], "two", token: token)
                #expect(refused.status == "403" && refused.text.contains(code), "\(refused.text)")
            }
            #expect(note.contexts.count == 1)
            let denials = Array(repeating: "putNote \(code)", count: 3)
            #expect(ear.heard == ["putNote "] + denials)
        }
    }

    @Test("Conditions that cannot be read are refused", arguments: ["x", "\"a", "\"a\" \"b\" c", "W/x", "\"a\"x", ""])
    func junk(field: String) async throws {
        try await withServer { port in
            let answer = try await Self.ask(port, "PUT", ["if-match: \(field)"], "one")
            #expect(answer.status == "400", "\(answer.text)")
        }
    }

    @Test("A key comes with what the request was")
    func keys() async throws {
        let note = Note()
        try await withServer(routes: TestRoutes.make(note)) { port in
            let longest = String(repeating: "k", count: 255)
            for (key, body) in [("k1", "one"), ("k1", "one"), ("k1", "two"), (longest, "one")] {
                #expect(try await Self.ask(port, "PUT", ["idempotency-key: \(key)"], body).status == "200")
            }
            let marks = note.contexts.compactMap(\.once)
            #expect(marks.map(\.key) == ["k1", "k1", "k1", longest])
            #expect(marks[0].fingerprint == marks[1].fingerprint)
            #expect(marks[0].fingerprint != marks[2].fingerprint)
            for fields in [
                ["idempotency-key: a b"], ["idempotency-key: \(longest)k"], ["idempotency-key: ü"],
                ["idempotency-key: "], ["idempotency-key: a", "idempotency-key: a"],
            ] {
                let answer = try await Self.ask(port, "PUT", fields, "one")
                #expect(answer.status == "400" && answer.text.contains("Idempotency-Key"), "\(answer.text)")
            }
        }
    }
}
