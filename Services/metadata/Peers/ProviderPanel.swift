import Contracts

/// All providers that are switched on, asked together.
package struct ProviderPanel: Sendable {
    private let clients: [any ProviderClient]
    /// The providers that are off, so that a title can say why it lacks a score.
    let skipped: [ProviderID]
    /// The ones among them that a setting switches off, whether or not they have what they need.
    let switchedOff: Set<ProviderID>
    private let gates: [ProviderID: SharedGate]

    /// How often a provider that does not know a title is asked about it, each time with other ids.
    private static let roundsMax = 3

    package init(clients: [any ProviderClient], skipped: [ProviderID]) {
        self.init(clients: clients, skipped: skipped, gates: [:])
    }

    init(
        clients: [any ProviderClient], skipped: [ProviderID], switchedOff: Set<ProviderID> = [],
        gates: [ProviderID: SharedGate]
    ) {
        self.clients = clients
        self.skipped = skipped
        self.switchedOff = switchedOff
        self.gates = gates
    }

    var providers: [ProviderID] { clients.map(\.provider) }
    var profiles: [ProviderProfile] { providers.map { gates[$0]?.profile ?? .of($0) } }

    private enum Event: Sendable {
        case told(ProviderReport)
        case deadline
    }

    /// Returns what each of the `asked` providers says about `subject`, in the fixed order of providers. Never throws,
    /// and never takes longer than the turn. `known` are facts that need not be asked for; `kept` is what each said
    /// before, which may be unchanged.
    ///
    /// Ids that one provider gives are used at once to ask those that could not be asked without them, and those that
    /// were asked with fewer and found another title.
    func ask(
        _ subject: ProviderSubject, asked: Set<ProviderID>, known: [ProviderFacts],
        kept: [ProviderID: ProviderFacts] = [:], turn: ProviderTurn
    ) async -> [ProviderReport] {
        let clients = clients.filter { asked.contains($0.provider) }
        guard !clients.isEmpty else { return [] }
        return await withTaskGroup(of: Event.self) { group in
            var facts = known
            var current = Self.filled(subject, facts)
            var reports: [ProviderID: ProviderReport] = [:]
            var rounds: [ProviderID: Int] = [:]
            var understood: [ProviderID: UnderstoodSubject] = [:]
            var running: Set<ProviderID> = []

            func start(_ client: any ProviderClient) {
                running.insert(client.provider)
                understood[client.provider] = UnderstoodSubject(current, by: client.provider)
                group.addTask { [current] in .told(await report(client, current, kept[client.provider], turn)) }
            }
            // Those that did not know the title, or found another one, and can now be asked with more than before.
            func startAgain() {
                for client in clients where !running.contains(client.provider) {
                    let provider = client.provider
                    guard let report = reports[provider], rounds[provider, default: 0] < Self.roundsMax else {
                        continue
                    }
                    var question = current
                    if let told = report.facts {
                        guard Self.isElsewhere(told, facts) else { continue }
                        question = Self.filled(subject, facts.filter { $0.provider != provider })
                        // Asked with its own id it would say the same again.
                        if Self.ownKey(question.ids, provider) == Self.ownKey(told.ids, provider) { continue }
                    } else if !report.isUnmapped, report.error != .notFound {
                        continue
                    }
                    guard UnderstoodSubject(question, by: provider) != understood[provider] else { continue }
                    facts.removeAll { $0.provider == provider }
                    current = question
                    start(client)
                }
            }

            for client in clients { start(client) }
            group.addTask {
                try? await Task.sleep(until: turn.deadline, tolerance: .milliseconds(5))
                return .deadline
            }
            while !running.isEmpty, let event = await group.next() {
                guard case .told(let report) = event else {
                    group.cancelAll()
                    continue
                }
                let provider = report.answer.provider
                running.remove(provider)
                reports[provider] = report
                // Being unmapped costs no call.
                if !report.isUnmapped { rounds[provider, default: 0] += 1 }
                if let told = report.facts {
                    facts.append(told)
                    current = Self.filled(subject, facts)
                }
                startAgain()
            }
            group.cancelAll()
            return reports.values.sorted { $0.answer.provider.order < $1.answer.provider.order }
        }
    }

    /// Returns the subject filled from `facts`, the same whatever the order in which they came.
    private static func filled(_ subject: ProviderSubject, _ facts: [ProviderFacts]) -> ProviderSubject {
        subject.filled(from: facts.sorted { $0.provider.order < $1.provider.order })
    }

    /// Whether `told` is about another title than the providers ranked before its own describe: by a name, or by an id
    /// that belonged to that one, it found a namesake.
    private static func isElsewhere(_ told: ProviderFacts, _ facts: [ProviderFacts]) -> Bool {
        let before = facts.filter { $0.kind == told.kind && $0.provider.order < told.provider.order }
            .sorted { $0.provider.order < $1.provider.order }
        return told.ids.contradicts(before.reduce(SubjectIDs()) { $0.filled(from: $1.ids) })
    }

    /// Returns the key by which the provider itself identifies titles.
    private static func ownKey(_ ids: SubjectIDs, _ provider: ProviderID) -> OutsideKey? {
        let source = provider == .omdb ? "imdb" : provider.rawValue
        return ids.keys(kind: .movie).first { $0.source == source }
    }

    private func report(
        _ client: any ProviderClient, _ subject: ProviderSubject, _ kept: ProviderFacts?, _ turn: ProviderTurn
    ) async -> ProviderReport {
        let report = await ProviderTurn.$current.withValue(turn.about(subject.kind)) {
            await ProviderReport(asking: client, about: subject, kept: kept)
        }
        // Nil without an error: nothing was asked.
        if report.facts != nil || report.error != nil, !isCutShort(turn) {
            await gates[client.provider]?.note(report.error)
        }
        return report
    }

    /// Whether the caller has gone, which is not the provider's failure; a provider that took all the time has failed.
    private func isCutShort(_ turn: ProviderTurn) -> Bool { Task.isCancelled && .now < turn.deadline }

    /// Returns what the providers find under a name, with the outcome of each.
    func search(_ queries: [ProviderQuery], turn: ProviderTurn) async -> (
        found: [ProviderFacts], reports: [ProviderReport]
    ) {
        await withTaskGroup(of: (ProviderID, ProviderFinds)?.self) { group in
            for client in clients {
                let kinds = (gates[client.provider]?.profile ?? .of(client.provider)).kinds
                for query in queries where kinds.contains(query.kind) {
                    group.addTask {
                        let finds = await ProviderTurn.$current.withValue(turn) { await Self.find(client, query) }
                        if let missed = finds.missed, !isCutShort(turn) {
                            await gates[client.provider]?.note(missed)
                        }
                        return (client.provider, finds)
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
                guard let (provider, finds) = event else {
                    group.cancelAll()
                    continue
                }
                left -= 1
                found[provider, default: []] += finds.facts
                if let missed = finds.missed { errors[provider] = missed }
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
    ) async -> ProviderFinds {
        do throws(ProviderError) {
            return try await client.browse(query)
        } catch {
            return ProviderFinds([], missed: error)
        }
    }
}
