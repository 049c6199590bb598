import Contracts
import RPC

/// Finds the titles that a media server's events refer to.
struct HookTitleDesk: Sendable {
    let metadata: MetadataClient

    /// The result of a search.
    enum Finding: Sendable {
        /// One title, or one for each episode of the file that has a place in its series.
        case found([Title])
        case nothing(String)
        /// Metadata cannot be asked now.
        case later(String)
    }

    func titles(of item: MediaItem) async -> Finding {
        let questions = HookTitles.questions(item)
        guard !questions.isEmpty else { return .nothing("names neither an id nor a place in a series") }
        do throws(RPCError) {
            guard let first = try await first(item, questions) else {
                return .nothing("no provider knows it, and it has no id or place to store it under")
            }
            var titles = [first]
            for number in item.episodes.dropFirst() {
                guard let title = try await another(number, of: item, beside: first),
                    !titles.contains(where: { $0.id == title.id })
                else { continue }
                titles.append(title)
            }
            return .found(titles)
        } catch {
            return .later("titles cannot be looked up")
        }
    }

    private func first(_ item: MediaItem, _ questions: [ResolveTitleParams]) async throws(RPCError) -> Title? {
        for question in questions {
            if let title = try await ask(question), HookTitles.fits(title, item) { return title }
        }
        // Prefer a place to a mere id: nothing would ever move a title kept under an id alone to its series.
        let placed = questions.filter { $0.kind == .movie || $0.seasonNumber != nil }
        for question in placed.isEmpty ? questions : placed {
            if let title = try await keep(question), HookTitles.fits(title, item) { return title }
        }
        return nil
    }

    /// Finds a further episode of the file. If nobody knows the series by the server's name for it, which may be in
    /// another language, the series of the first episode is used.
    private func another(
        _ number: Int, of item: MediaItem, beside first: Title
    ) async throws(RPCError) -> Title? {
        // Under the server's name for the series, so that the providers can be asked about it.
        if let told = HookTitles.place(of: number, in: item, series: nil), let title = try await ask(told) {
            return title
        }
        guard let series = first.series, let known = HookTitles.place(of: number, in: item, series: series) else {
            return nil
        }
        return try await ask(known)
    }

    private func ask(_ question: ResolveTitleParams) async throws(RPCError) -> Title? {
        do throws(RPCError) {
            return try await metadata.resolveTitle(question, RPCCall.within(HookLimits.resolveTimeout))
        } catch {
            let unknown = [RegistryError.titleNotFound, .nothingToResolve, .wrongKind].map(\.code)
            if unknown.contains(error.code) { return nil }
            throw error
        }
    }

    /// Keeps the title as a local one; nil if the question is ambiguous.
    private func keep(_ question: ResolveTitleParams) async throws(RPCError) -> Title? {
        let params = ResolveTitlesParams(queries: [HookTitles.keeping(question)], missing: .create)
        let kept = try await metadata.resolveTitles(params, RPCCall.within(HookLimits.resolveTimeout))
        guard let id = kept.results.first?.title?.id else { return nil }
        return try await metadata.getTitle(GetTitleParams(title: id), RPCCall.within(HookLimits.resolveTimeout))
    }
}
