import Foundation
import Stack
import Testing

extension StackPlan {
    fileprivate static let open: StackPlan = {
        var plan = StackPlan()
        plan.settingsOf["gateway"] = ["REELAY_REGISTRATION": "open"]
        return plan
    }()
}

/// The API transcripts in the documents match the real answers verbatim.
@Suite(.serialized)
struct TranscriptTests {
    private struct Step {
        var command: String
        var answer: [String] = []

        /// Whether the command only reads; what it shows may take a moment to come true.
        var isRead: Bool {
            command.contains("$API/") && !command.contains(#/ -(d|F|X) /#) && command.prefix(5) != "HOOK="
        }
    }

    /// The first console transcript after a text in a document.
    private func steps(in document: String, behind mark: String) throws -> [Step] {
        let text = try String(
            contentsOf: Project.root.appendingPathComponent("docs/\(document)"), encoding: .utf8)
        let rest = try #require(text.range(of: mark).map { text[$0.lowerBound...] }, "\(document) has no \(mark)")
        let block = try #require(rest.components(separatedBy: "```console\n").dropFirst().first)
        let lines = try #require(block.components(separatedBy: "```").first).split(separator: "\n")
        var steps: [Step] = []
        for line in lines.map(String.init) {
            if line.hasPrefix("$ ") {
                steps.append(Step(command: String(line.dropFirst(2))))
            } else if let last = steps.indices.last {
                let isOpen = steps[last].command.hasSuffix("\\") || steps[last].command.hasSuffix("|")
                if isOpen { steps[last].command += "\n" + line } else { steps[last].answer.append(line) }
            }
        }
        return steps
    }

    private static func quoted(_ text: String) -> String {
        "'" + text.replacingOccurrences(of: "'", with: #"'\''"#) + "'"
    }

    /// Runs a transcript in one shell, after `before`.
    private func play(_ document: String, behind mark: String, after before: String, _ stack: Stack) async throws {
        let steps = try steps(in: document, behind: mark)
        #expect(steps.count { !$0.answer.isEmpty } > 5)
        let api = "http://127.0.0.1:\(try stack.service("gateway").port)"
        var script = """
            cd \(Self.quoted(stack.folder.path))
            API=\(api)/api/v1
            JSON='content-type: application/json'
            printf 'x' >poster.jpg
            AUTH="authorization: Bearer $(curl -s $API/auth/register -H "$JSON" \\
                -d '{"username":"alice","password":"a long and odd phrase"}' | jq -r .token)"
            FILM=$(curl -s $API/movies/resolve -H "$AUTH" -H "$JSON" -d '{"ids":{"imdb":"tt9100001"}}' | jq -r .id)
            \(before)

            """
        for (number, step) in steps.enumerated() {
            let command = step.command.replacingOccurrences(of: "http://127.0.0.1:8080", with: api)
            script += "echo '@@\(number)'\n"
            if step.isRead, !step.answer.isEmpty {
                script += """
                    for _ in $(seq 100); do
                    said=$(\(command)
                    )
                    [ "${said//$'\\r'/}" = \(Self.quoted(step.answer.joined(separator: "\n"))) ] && break
                    sleep 0.1
                    done
                    echo "$said"

                    """
            } else {
                script += command + "\n"
            }
        }
        let said = try await Command.run("bash", ["-c", script]).replacingOccurrences(of: "\r", with: "")
        for (number, step) in steps.enumerated() {
            let part = said.components(separatedBy: "@@\(number)\n").dropFirst().first ?? ""
            let answer = (part.components(separatedBy: "@@").first ?? "").split(separator: "\n").map(String.init)
            #expect(answer == step.answer, "docs/\(document): \(step.command)")
        }
    }

    @Test("docs/hooks.md: from what Plex sends to what is watched now, a play, and the history")
    func hooks() async throws {
        try await Stack.running(.open) { stack in
            try await play("hooks.md", behind: "## From a hook to the history", after: "", stack)
        }
    }

    @Test("docs/ratings.md: rating, conditions, lists, bulk, timeline, export")
    func ratings() async throws {
        try await Stack.running(.open) { stack in
            // Refreshes first, so that every provider has reported its score.
            try await play(
                "ratings.md", behind: "# Ratings",
                after: "curl -s -X POST $API/movies/$FILM/refresh -H \"$AUTH\" >refreshed", stack)
        }
    }
}
