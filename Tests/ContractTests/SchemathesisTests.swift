import Foundation
import Stack
import Testing

/// What schemathesis thinks of, held against the document for as long as REELAY_SCHEMATHESIS_SECONDS says. It comes from
/// PyPI: without that, what is not installed yet is left out, and the test says so. Not among what every run does, since
/// what it thinks of within a time depends on the machine.
@Suite(
    .stack(.openAndClosed),
    .enabled("REELAY_SCHEMATHESIS_SECONDS is not set") {
        ProcessInfo.processInfo.environment["REELAY_SCHEMATHESIS_SECONDS"] != nil
    })
struct SchemathesisTests {
    private static let environment = ProcessInfo.processInfo.environment
    /// The whole without this limit: `deploy/dev/schemathesis`.
    private static let seconds = environment["REELAY_SCHEMATHESIS_SECONDS"] ?? "60"
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
        var arguments = ["--url", "http://127.0.0.1:\(gateway.port)", "--seconds", Self.seconds]
        if let seed = Self.environment["REELAY_SCHEMATHESIS_SEED"] { arguments += ["--seed", seed] }
        let told = try await Self.ask(arguments)
        guard !told.contains("cannot be installed") else {
            print("schemathesis: SKIPPED, PyPI cannot be reached")
            return
        }
        let lines = told.split(separator: "\n").filter { $0.hasPrefix("seed ") || $0.contains(" generated, ") }
        print("schemathesis: \(lines.joined(separator: "; "))")
    }
}
