internal import Synchronization

/// Whether this process may be sent work, and if not, why.
package final class Readiness: Sendable {
    /// The phase of the process; only moves forward.
    package enum Phase: String, Sendable, Comparable {
        case starting
        case ready
        case draining

        package static func < (left: Phase, right: Phase) -> Bool { left.order < right.order }

        private var order: Int {
            switch self {
            case .starting: 0
            case .ready: 1
            case .draining: 2
            }
        }
    }

    /// A dependency's check: returns nil if it is healthy, else the problem.
    package typealias Check = @Sendable () async -> String?

    private struct Entry {
        let name: String
        let limit: Duration
        let check: Check
        /// A check that ignores its limit is not started again until it ends.
        var isRunning = false
    }

    private struct State {
        var phase = Phase.starting
        var entries: [Entry] = []
    }

    private let state = Mutex(State())

    package init() {}

    package var phase: Phase { state.withLock { $0.phase } }

    /// Adds a dependency, whose check may take at most `limit`; at most one runs at a time.
    package func register(_ name: String, limit: Duration = .seconds(1), _ check: @escaping Check) {
        state.withLock { $0.entries.append(Entry(name: name, limit: limit, check: check)) }
    }

    /// Moves forward to a phase; a move back is ignored.
    package func advance(to phase: Phase) {
        state.withLock { $0.phase = max($0.phase, phase) }
    }

    /// Checks all dependencies concurrently.
    package func report() async -> ReadinessReport {
        let names = state.withLock { $0.entries.map(\.name) }
        let results = await withTaskGroup(of: (Int, String?).self) { group in
            for index in names.indices { group.addTask { (index, await self.ask(index)) } }
            return await group.reduce(into: [Int: String]()) { results, answer in
                if let problem = answer.1 { results[answer.0] = problem }
            }
        }
        let checks = names.enumerated().map { ReadinessReport.Dependency(name: $1, problem: results[$0]) }
        return ReadinessReport(phase: phase, dependencies: checks)
    }

    private func ask(_ index: Int) async -> String? {
        let entry: Entry? = state.withLock { state in
            guard !state.entries[index].isRunning else { return nil }
            state.entries[index].isRunning = true
            return state.entries[index]
        }
        guard let entry else { return "the last check has not ended yet" }
        return await firstAnswer(within: entry.limit, otherwise: "no answer within \(entry.limit)") {
            let problem = await entry.check()
            self.state.withLock { $0.entries[index].isRunning = false }
            return problem
        }
    }
}

/// The answer of `/readyz`.
package struct ReadinessReport: Sendable, Equatable {
    package struct Dependency: Sendable, Equatable {
        package let name: String
        /// Nil if it is healthy.
        package let problem: String?
    }

    package let phase: Readiness.Phase
    package let dependencies: [Dependency]

    /// Whether work may be sent here.
    package var isReady: Bool { phase == .ready && dependencies.allSatisfy { $0.problem == nil } }

    /// Returns one JSON object: status (`starting`, `ready`, `failing`, `draining`) and each dependency, `ok` or its
    /// problem.
    package func json(service: String, version: String) -> [UInt8] {
        var text = Array("{".utf8)
        let status = phase == .ready && !isReady ? "failing" : phase.rawValue
        for (name, value) in [("status", status), ("service", service), ("version", version)] {
            JSONLine.appendName(name, to: &text)
            JSONLine.append(value, to: &text)
        }
        JSONLine.appendName("dependencies", to: &text)
        text.append(UInt8(ascii: "{"))
        for dependency in dependencies {
            JSONLine.appendName(dependency.name, to: &text)
            JSONLine.append(dependency.problem ?? "ok", to: &text, bytesMax: 500)
        }
        text.append(contentsOf: "}}\n".utf8)
        return text
    }
}
