import Foundation
import Stack
import Testing

/// What schemathesis thinks of, held against the document for as long as there is time for.
@Suite(.stack(.openAndClosed))
struct SchemathesisTests {
    private static let seconds = ProcessInfo.processInfo.environment["REELAY_SCHEMATHESIS_SECONDS"]

    @Test(
        "Every operation answers what its document says, whatever it is asked",
        .enabled(if: seconds != nil, "REELAY_SCHEMATHESIS_SECONDS is not set; see deploy/dev/schemathesis"))
    func surface() async throws {
        let stack = try #require(Stack.current)
        let gateway = try #require(stack.copies["gateway"]?.first)
        let script = Project.root.appendingPathComponent("deploy/dev/schemathesis").path
        // It tells on its standard output what a failure is about; a failed command shows its errors.
        let told = try await Command.run(
            "bash",
            [
                "-c", #"set -o pipefail; "$0" "$@" | tee /dev/stderr"#, script,
                "--url", "http://127.0.0.1:\(gateway.port)", "--seconds", try #require(Self.seconds),
            ])
        let lines = told.split(separator: "\n").filter { $0.hasPrefix("Seed") || $0.contains(" generated") }
        print("schemathesis: \(lines.joined(separator: "; "))")
    }
}
