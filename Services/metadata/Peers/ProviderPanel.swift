/// All providers that are switched on, asked together.
package struct ProviderPanel: Sendable {
    private let clients: [any ProviderClient]
    /// Providers that are off, with the reason, so that a title can say why it lacks a score.
    private let skipped: [ProviderID]

    package init(clients: [any ProviderClient], skipped: [ProviderID]) {
        self.clients = clients
        self.skipped = skipped
    }

    /// What each provider says about `subject`, in the fixed order of providers; never throws.
    ///
    /// Ids that one provider tells are used to ask those that could not be asked without them.
    package func ask(_ subject: ProviderSubject) async -> [ProviderReport] {
        var reports = await ask(clients, subject)
        let told = reports.compactMap(\.facts).reduce(subject.ids) { $0.filled(from: $1.ids) }
        let unasked = clients.filter { client in
            reports.contains { $0.answer.provider == client.provider && $0.facts == nil && $0.error == nil }
        }
        if told != subject.ids, !unasked.isEmpty {
            let better = ProviderSubject(
                kind: subject.kind, ids: told, seriesIDs: subject.seriesIDs, seasonNumber: subject.seasonNumber,
                episodeNumber: subject.episodeNumber, name: subject.name, year: subject.year)
            let again = await ask(unasked, better)
            reports.removeAll { old in again.contains { $0.answer.provider == old.answer.provider } }
            reports += again
        }
        reports += skipped.map { ProviderReport(skipping: $0) }
        return reports.sorted { $0.answer.provider.order < $1.answer.provider.order }
    }

    private func ask(_ clients: [any ProviderClient], _ subject: ProviderSubject) async -> [ProviderReport] {
        await withTaskGroup(of: ProviderReport.self) { group in
            for client in clients { group.addTask { await ProviderReport(asking: client, about: subject) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }
}
