/// Why a process cannot start; printed as one block on standard error, before the process ends with `exitCode`.
package struct StartupError: Error, Sendable, Equatable {
    /// One problem.
    package struct Problem: Sendable, Equatable {
        /// The setting or the resource.
        package let subject: String
        /// What was expected and what was found.
        package let reason: String

        package init(subject: String, reason: String) {
            self.subject = subject
            self.reason = reason
        }
    }

    package let problems: [Problem]
    /// 78 (EX_CONFIG of sysexits.h) for settings, 1 for anything else.
    package let exitCode: Int32

    /// Invalid settings, all reported at once.
    package static func settings(_ problems: [Problem]) -> StartupError {
        StartupError(problems: problems, exitCode: ExitCode.configuration)
    }

    /// One invalid setting.
    package static func setting(_ name: String, _ reason: String) -> StartupError {
        settings([Problem(subject: name, reason: reason)])
    }

    /// A resource (address, database, peer, file) that is unavailable.
    package static func resource(_ subject: String, _ reason: String) -> StartupError {
        StartupError(problems: [Problem(subject: subject, reason: reason)], exitCode: ExitCode.failure)
    }

    private init(problems: [Problem], exitCode: Int32) {
        self.problems = problems
        self.exitCode = exitCode
    }

    /// Returns the block that a person reads.
    package func block(service: String) -> String {
        var lines = ["\(service) cannot start:"]
        for problem in problems { lines.append("  \(problem.subject): \(problem.reason)") }
        if exitCode == ExitCode.configuration { lines.append("`\(service) --help` lists every setting.") }
        return lines.joined(separator: "\n") + "\n"
    }
}

/// The exit codes of a process.
package enum ExitCode {
    package static let success: Int32 = 0
    package static let failure: Int32 = 1
    /// EX_USAGE of sysexits.h.
    package static let usage: Int32 = 64
    /// EX_CONFIG of sysexits.h.
    package static let configuration: Int32 = 78

    /// The code of a process stopped at once by a signal, as a shell reports it.
    package static func signal(_ number: Int32) -> Int32 { 128 + number }
}
