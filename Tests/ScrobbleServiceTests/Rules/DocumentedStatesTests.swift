import Contracts
import Foundation
import Testing

@testable import ScrobbleService

/// Checks the tables of docs/queue.md against the rules.
@Suite struct DocumentedStatesTests {
    /// Returns the rows `| from | to | … |` below a heading.
    private static func table(_ heading: String) throws -> Set<String> {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appendingPathComponent("docs/queue.md"), encoding: .utf8)
        let section = text.components(separatedBy: "\n## ").first { $0.hasPrefix(heading) } ?? ""
        let rows = section.split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst()
        return Set(
            rows.map { row in
                let cells = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
                return "\(cells[0]) → \(cells[1])"
            })
    }

    /// Returns the arrows `from --> to : why` of the diagram below a heading.
    private static func diagram(_ heading: String) throws -> Set<String> {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appendingPathComponent("docs/queue.md"), encoding: .utf8)
        let section = text.components(separatedBy: "\n## ").first { $0.hasPrefix(heading) } ?? ""
        return Set(
            section.split(separator: "\n").compactMap { line in
                let ends = line.split(separator: ":").first?.components(separatedBy: "-->") ?? []
                guard ends.count == 2 else { return nil }
                return ends.map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: " → ")
            })
    }

    @Test("The diagram of a job shows the table, how a job comes and how it goes")
    func jobDiagram() throws {
        let ends: Set = ["[*] → pending", "done → [*]", "cancelled → [*]", "dead → pending"]
        #expect(try Self.diagram("A job") == Self.table("A job").union(ends))
    }

    @Test("The diagram of a sitting shows what every word of a player does in every state")
    func sittingDiagram() throws {
        let at = Timestamp(clampingMicrosecondsSinceEpoch: 1_790_000_000_000_000)
        var found: Set = ["stopped → [*]"]
        for state in [nil, PlaybackState.playing, .paused] {
            for kind in MediaEvent.Kind.allCases {
                for isPaused in [nil, true, false] {
                    let event = MediaEvent(
                        kind: kind, item: MediaItem(kind: .movie), position: .seconds(60), length: .seconds(600),
                        isPaused: isPaused, at: at)
                    let word = PlayerWord(event, receivedAt: at, heardAt: at, runtime: nil)
                    let open = state.map { OpenSitting(state: $0, progressPercent: 10, updatedAt: at) }
                    let next: PlaybackState? =
                        switch SittingMove.of(word, open) {
                        case .begin: .playing
                        case .pause: .paused
                        case .advance, .count: state
                        case .end: .stopped
                        case .log, .unlog, .nothing: nil
                        }
                    if let next { found.insert("\(state?.rawValue ?? "[*]") → \(next.rawValue)") }
                }
            }
        }
        #expect(try Self.diagram("A sitting") == found)
    }

    @Test("A job goes where the document says, and nowhere else")
    func jobs() throws {
        let machine = JobMachine(limits: QueueLimits())
        let replies: [JobReply] = [
            .delivered, .alreadyThere, .alreadyPlayed(Timestamp(clampingMicrosecondsSinceEpoch: 0)), .notTaken(""),
            .wait(.seconds(1), ""), .ambiguous(""), .broken(""),
            .askUser(.locked), .barred(.accountLimit), .refused(""), .untried,
        ]
        var found: Set = ["pending → sending"]
        for action in JobAction.allCases where !action.isRepeatable || action == .rate || action == .start {
            for status in JobStatus.allCases {
                for age in [Duration.seconds(1), .seconds(86_400), .seconds(40 * 86_400)] {
                    for (unsettled, looks) in [(1, 0), (1, 1), (9, 0)] {
                        let job = JobState(
                            action: action, status: status, retryCount: 9, sends: 9, looks: looks, unsettled: unsettled,
                            age: age, sinceSent: .seconds(1))
                        // A job claimed as pending is about to be sent by then.
                        let from = status == .verify ? "verify" : "sending"
                        let fates: [JobFate] =
                            switch machine.step(job) {
                            case .settle(let fate): [fate]
                            case .send: replies.map { machine.settle(job, $0, jitter: 0).fate }
                            case .look:
                                ([.found, .absent] + replies.map { LookReply.failed($0) }).map {
                                    machine.settle(job, $0, jitter: 0).fate
                                }
                            }
                        found.formUnion(fates.map { "\(from) → \($0.word)" })
                    }
                }
            }
        }
        #expect(try Self.table("A job") == found)
    }

    @Test("A sitting has the states that the document has")
    func sittings() throws {
        let named = try Self.table("A sitting").flatMap { $0.components(separatedBy: " → ") }
        #expect(Set(named) == Set(PlaybackState.allCases.map(\.rawValue)))
    }
}
