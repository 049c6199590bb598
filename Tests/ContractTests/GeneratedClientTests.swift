import Foundation
import Stack
import Testing

/// A client generated from the document by a third-party generator walks through the product. The generator comes from
/// PyPI: if it is not installed and PyPI is unreachable, the test says so and passes. `.ci/run` enables the test,
/// `deploy/dev/test` alone does not.
@Suite(
    .stack(.openAndClosed),
    .enabled("REELAY_GENERATED_CLIENT is not set") {
        ProcessInfo.processInfo.environment["REELAY_GENERATED_CLIENT"] != nil
    })
struct GeneratedClientTests {
    @Test("What the document says is enough to use everything")
    func journey() async throws {
        let gateway = try #require(Stack.current?.copies["gateway"]?.first)
        let script = Project.root.appendingPathComponent("deploy/dev/generated-client").path
        let told = try await Command.run(
            "bash",
            [
                "-c",
                #"""
                set -o pipefail; "$0" "$@" 2>&1 | tee /dev/stderr; status=$?
                [ "$status" = 75 ] && exit 0; exit "$status"
                """#, script, "--url", "http://127.0.0.1:\(gateway.port)",
            ])
        let lines = told.split(separator: "\n").filter { $0.contains("generated") || $0.contains("steps, each") }
        print("generated client: \(lines.joined(separator: "; "))")
        #expect(told.contains("each as the document says") || told.contains("cannot be installed"), "\(told)")
    }
}
