import Foundation
import Stack
import Testing

/// Repeated requests: under one key a request has one effect, and a request that takes no key may be repeated.
@Suite(.stack(.openAndClosed), .serialized)
struct RepeatTests {
    /// The operations whose repetition has another result, and why that is right.
    private static let others = [
        "login": "each opens a session",
        "logout": "the second is nobody's any more",
        "deleteMe": "the second is nobody's any more",
        "heartbeatPlayback": "each is told to whoever listens",
        "createImport": "an import reads on after the answer",
        "applyImport": "an import writes on after the answer",
        "setImportFileKind": "an import reads on after the answer",
        "startSync": "a run goes on after the answer",
        "receiveHook": "the hook counts what comes twice",
        "deliverHook": "the hook counts what comes twice",
    ]
    private static let keyed = PublicContractTests.operations.filter(\.takesKey)
    private static let repeatable = PublicContractTests.operations.filter {
        ($0.isRepeatable || $0.method == "DELETE" || $0.method == "PUT") && others[$0.id] == nil
    }
    /// The number of concurrent repetitions. A password change costs a third of a second of CPU time, and wrong
    /// passwords and codes are counted, each attempt as wrong until it proves right.
    private static func timesAtOnce(_ operation: PublicDocument.Operation) -> Int {
        ["changePassword", "confirmSecondFactor", "removeSecondFactor"].contains(operation.id) ? 5 : 100
    }

    private let surface = PublicContractTests()

    /// What a person has, except for when it was written or used.
    private func possessions(
        of person: PublicContractTests.Person, _ names: [String: String]
    ) async throws -> [String: String] {
        try await StrangerTests().view(person, names, where: { Self.lasts($0, names) }).mapValues {
            $0.replacing(/,"(last_used_at|trace_id)":"[^"]*"/, with: "")
                .replacing(/"\d{4}-\d\d-\d\dT[^"]*"/, with: "\"…\"")
        }
    }

    /// What happens in the background, such as an import, belongs to no one; an archive contains its creation time; the
    /// episodes of a show that no one has watched before are fetched in the background.
    private static let passing: Set = ["streamEvents", "exportEverything", "listContinueWatching", "getHome"]

    /// Whether a read shows only lasting data, and concerns nothing that this person has never come across.
    private static func lasts(_ read: PublicDocument.Request, _ names: [String: String]) -> Bool {
        !passing.contains(read.operation)
            && read.path.members.values.allSatisfy { value in
                value.text.map { UUID(uuidString: $0) == nil || names[$0] != nil } ?? true
            }
    }

    @Test("Under one key there is one effect and one answer, however often a request comes", arguments: keyed)
    func once(operation: PublicDocument.Operation) async throws {
        let example = try #require(operation.example)
        let person = try await surface.join(asAdministrator: operation.isForAdministrators)
        let names = try await surface.prepare(example, person)
        let answers = try await withThrowingTaskGroup(of: Wire.Answer.self) { group in
            for _ in 0..<Self.timesAtOnce(operation) {
                group.addTask {
                    // A request that is told to wait is retried, as a client would.
                    for _ in 0..<5 {
                        let answer = try await surface.send(example, names, token: person.token, key: "one-key").answer
                        guard answer.status == 429 else { return answer }
                        try await Task.sleep(for: .seconds(1))
                    }
                    return try await surface.send(example, names, token: person.token, key: "one-key").answer
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let first = answers[0]
        #expect(operation.answers[first.status] != nil, "\(operation.id): \(first.text)")
        func isRepeated(_ answer: Wire.Answer) -> Bool {
            answer.status == first.status && answer.text == first.text
        }
        for answer in answers { #expect(isRepeated(answer), "\(operation.id): \(answer.text)") }
        let before = try await possessions(of: person, names)
        let again = try await surface.send(example, names, token: person.token, key: "one-key").answer
        #expect(isRepeated(again), "\(operation.id): \(again.text)")
        let after = try await possessions(of: person, names)
        for (read, text) in before { #expect(after[read] == text, "\(operation.id) changed \(read)") }
        // A person who sent the request once has the same.
        let twin = try await surface.join(asAdministrator: operation.isForAdministrators)
        let twinNames = try await surface.prepare(example, twin)
        _ = try await surface.send(example, twinNames, token: twin.token, key: "one-key")
        let single = try await possessions(of: twin, twinNames)
        for (read, text) in before {
            #expect(
                nameless(text, of: person) == nameless(single[read] ?? "", of: twin), "\(operation.id): \(read)")
        }
    }

    /// Removes what differs between people. What was written at the same moment has no order, so only the length of the
    /// first page of many counts.
    private func nameless(_ text: String, of person: PublicContractTests.Person) -> [String] {
        let parts = text.replacing(person.names["a-person"] ?? "?", with: "…")
            .replacing(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/, with: "…")
            .replacing(/[0-9a-f]{16,}/, with: "…")
            .replacing(/"external_ratings":\[[^\]]*\]/, with: "")
            .split(separator: "{").map { part in part.filter { !",[]".contains($0) } }.sorted()
        return text.contains("\"next_cursor\"") ? ["\(parts.count) parts"] : parts
    }

    @Test("What says that it may be repeated leaves the second time what it left the first", arguments: repeatable)
    func twice(operation: PublicDocument.Operation) async throws {
        let example = try #require(operation.example)
        let person = try await surface.join(asAdministrator: operation.isForAdministrators)
        let names = try await surface.prepare(example, person)
        let token = operation.isOpen ? nil : person.token
        let first = try await surface.send(example, names, token: token).answer
        #expect(operation.answers[first.status] != nil, "\(operation.id): \(first.text)")
        let before = try await possessions(of: person, names)
        let second = try await surface.send(example, names, token: token).answer
        #expect(second.status < 500, "\(operation.id): \(second.text)")
        let after = try await possessions(of: person, names)
        for (read, text) in before { #expect(after[read] == text, "\(operation.id) changed \(read)") }
    }
}
