import Foundation
import Stack
import Testing

/// What schemathesis thinks of, held against the document: the same questions in every run, however fast the machine is, so
/// that a failure comes with a change and not by chance. It comes from PyPI: where that cannot be reached, what is not
/// installed yet is left out, and the test says so.
///
/// REELAY_SCHEMATHESIS_SEED asks something else, `random` each time; REELAY_SCHEMATHESIS_SECONDS says for how long, 0 not at
/// all. The whole: `deploy/dev/schemathesis`.
@Suite(
    .stack(.openAndClosed),
    .disabled("REELAY_SCHEMATHESIS_SECONDS is 0") {
        ProcessInfo.processInfo.environment["REELAY_SCHEMATHESIS_SECONDS"] == "0"
    })
struct SchemathesisTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let seed = environment["REELAY_SCHEMATHESIS_SEED"] ?? "20261126"
    /// Of each operation, beside those that follow from its description alone; of journeys as many.
    private static let examples = "2"
    private static let script = Project.root.appendingPathComponent("deploy/dev/schemathesis").path
    /// How the script says that schemathesis cannot be had.
    private static let notToBeHad = "75"

    private static func ask(_ arguments: [String]) async throws -> String {
        // A failed command shows its errors; what is wrong stands on its standard output.
        try await Command.run(
            "bash",
            [
                "-c",
                """
                set -o pipefail; "$0" "$@" 2>&1 | tee /dev/stderr; status=$?
                [ "$status" = \(notToBeHad) ] && exit 0; exit "$status"
                """, script,
            ] + arguments)
    }

    @Test("Every operation answers what its document says, whatever it is asked")
    func surface() async throws {
        let stack = try #require(Stack.current)
        let gateway = try #require(stack.copies["gateway"]?.first)
        var arguments = ["--url", "http://127.0.0.1:\(gateway.port)"]
        if let seconds = Self.environment["REELAY_SCHEMATHESIS_SECONDS"] {
            arguments += ["--seconds", seconds]
        } else {
            arguments += ["--examples", Self.examples]
        }
        if Self.seed != "random" { arguments += ["--seed", Self.seed] }
        let told = try await Self.ask(arguments)
        guard !told.contains("cannot be installed") else {
            print("schemathesis: SKIPPED, PyPI cannot be reached")
            return
        }
        let seed = told.split(separator: "\n").first { $0.hasPrefix("seed ") } ?? "no seed"
        let count = told.matches(of: /([0-9]+) generated/).compactMap { Int($0.1) }.reduce(0, +)
        #expect(count > 1_000, "it has asked next to nothing: \(told)")
        print("schemathesis: \(seed); \(count) requests, each answered as described")
    }
}
