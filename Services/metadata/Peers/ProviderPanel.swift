/// All providers that are switched on, asked together.
package struct ProviderPanel: Sendable {
    private let clients: [any ProviderClient]
    /// Providers that are off, with the reason, so that a title can say why it lacks a score.
    let skipped: [ProviderID]
    private let gates: [ProviderID: SharedGate]

    /// Times that one provider is asked about a title, each time with more ids.
    private static let roundsMax = 3

    package init(clients: [any ProviderClient], skipped: [ProviderID]) {
        self.init(clients: clients, skipped: skipped, gates: [:])
    }

    init(clients: [any ProviderClient], skipped: [ProviderID], gates: [ProviderID: SharedGate]) {
        self.clients = clients
        self.skipped = skipped
        self.gates = gates
    }

    var providers: [ProviderID] { clients.map(\.provider) }
    var profiles: [ProviderProfile] { providers.map { gates[$0]?.profile ?? .of($0) } }

    private enum Event: Sendable {
        case told(ProviderReport, about: ProviderSubject)
        case deadline
    }

    /// What each of the `asked` providers says about `subject`, in the fixed order of providers; never throws, and
    /// never takes longer than the turn. `known` are facts that need not be asked for.
    ///
    /// Ids that one provider tells are at once used to ask those that could not be asked without them.
    func ask(
        _ subject: ProviderSubject, asked: Set<ProviderID>, known: [ProviderFacts], turn: ProviderTurn
    ) async -> [ProviderReport] {
        let clients = clients.filter { asked.contains($0.provider) }
        guard !clients.isEmpty else { return [] }
        return await withTaskGroup(of: Event.self) { group in
            var facts = known
            var current = Self.filled(subject, facts)
            var reports: [ProviderID: ProviderReport] = [:]
            var rounds: [ProviderID: Int] = [:]
            var running = 0

            func start(_ client: any ProviderClient) {
                running += 1
                rounds[client.provider, default: 0] += 1
                group.addTask { [current] in .told(await report(client, current, turn), about: current) }
            }
            func startAgain(_ provider: ProviderID) {
                guard rounds[provider, default: 0] < Self.roundsMax,
                    let client = clients.first(where: { $0.provider == provider })
                else { return }
                reports[provider] = nil
                start(client)
            }

            for client in clients { start(client) }
            group.addTask {
                try? await Task.sleep(until: turn.deadline, tolerance: .milliseconds(5))
                return .deadline
            }
            while running > 0, let event = await group.next() {
                switch event {
                case .deadline: group.cancelAll()
                case .told(let report, let about):
                    running -= 1
                    reports[report.answer.provider] = report
                    if let told = report.facts { facts.append(told) }
                    let better = Self.filled(subject, facts)
                    if better != current {
                        current = better
                        for (provider, old) in reports where old.isUnmapped { startAgain(provider) }
                    } else if report.isUnmapped, about != current {
                        startAgain(report.answer.provider)
                    }
                }
            }
            group.cancelAll()
            return reports.values.sorted { $0.answer.provider.order < $1.answer.provider.order }
        }
    }

    /// The same whatever the order in which the facts came.
    private static func filled(_ subject: ProviderSubject, _ facts: [ProviderFacts]) -> ProviderSubject {
        subject.filled(from: facts.sorted { $0.provider.order < $1.provider.order })
    }

    private func report(
        _ client: any ProviderClient, _ subject: ProviderSubject, _ turn: ProviderTurn
    ) async -> ProviderReport {
        let report = await ProviderTurn.$current.withValue(turn) {
            await ProviderReport(asking: client, about: subject)
        }
        // Nil without an error: it was not asked anything.
        if report.facts != nil || report.error != nil { await gates[client.provider]?.note(report.error) }
        return report
    }

    /// What the providers find under a name, with what each came to.
    func search(_ queries: [ProviderQuery], turn: ProviderTurn) async -> (
        found: [ProviderFacts], reports: [ProviderReport]
    ) {
        await withTaskGroup(of: (ProviderID, Result<[ProviderFacts], ProviderError>)?.self) { group in
            for client in clients {
                let kinds = (gates[client.provider]?.profile ?? .of(client.provider)).kinds
                for query in queries where kinds.contains(query.kind) {
                    group.addTask {
                        let outcome = await ProviderTurn.$current.withValue(turn) { await Self.find(client, query) }
                        if case .failure(let error) = outcome { await gates[client.provider]?.note(error) }
                        return (client.provider, outcome)
                    }
                }
            }
            group.addTask {
                try? await Task.sleep(until: turn.deadline, tolerance: .milliseconds(5))
                return nil
            }
            var left = clients.reduce(0) { count, client in
                let kinds = (gates[client.provider]?.profile ?? .of(client.provider)).kinds
                return count + queries.count { kinds.contains($0.kind) }
            }
            var found: [ProviderID: [ProviderFacts]] = [:]
            var errors: [ProviderID: ProviderError] = [:]
            while left > 0, let event = await group.next() {
                guard let (provider, outcome) = event else {
                    group.cancelAll()
                    continue
                }
                left -= 1
                switch outcome {
                case .success(let facts): found[provider, default: []] += facts
                case .failure(let error): errors[provider] = error
                }
            }
            group.cancelAll()
            let reports = clients.map { client in
                ProviderReport(client.provider, found: found[client.provider] ?? [], error: errors[client.provider])
            }
            return (ProviderID.allCases.flatMap { found[$0] ?? [] }, reports)
        }
    }

    private static func find(
        _ client: any ProviderClient, _ query: ProviderQuery
    ) async -> Result<[ProviderFacts], ProviderError> {
        do throws(ProviderError) {
            return .success(try await client.search(query))
        } catch {
            return .failure(error)
        }
    }
}
