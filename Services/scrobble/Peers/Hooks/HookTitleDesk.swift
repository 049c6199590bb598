import Contracts
import RPC

/// Finds the titles that a media server means.
struct HookTitleDesk: Sendable {
    let metadata: MetadataClient

    /// What came of looking.
    enum Finding: Sendable {
        /// One title, or one for each episode of the file.
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
                return .nothing("no provider knows it, and it has no id or place to keep it under")
            }
            var titles = [first]
            for number in item.episodes.dropFirst() {
                // As the server names the series: then the providers can be asked about it.
                let place = HookTitles.place(of: number, in: item, series: nil)
                guard let question = place ?? HookTitles.place(of: number, in: item, series: first.series),
                    let title = try await ask(question)
                else { return .nothing("episode \(number) of the file is not to be found") }
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
        // Under a place rather than under an id alone: nothing would ever bring that one home to its series.
        let placed = questions.filter { $0.kind == .movie || $0.seasonNumber != nil }
        for question in placed.isEmpty ? questions : placed {
            if let title = try await keep(question), HookTitles.fits(title, item) { return title }
        }
        return nil
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

    /// The title as a local one; nil where several could be meant.
    private func keep(_ question: ResolveTitleParams) async throws(RPCError) -> Title? {
        let params = ResolveTitlesParams(queries: [HookTitles.keeping(question)], missing: .create)
        let kept = try await metadata.resolveTitles(params, RPCCall.within(HookLimits.resolveTimeout))
        guard let id = kept.results.first?.title?.id else { return nil }
        return try await metadata.getTitle(GetTitleParams(title: id), RPCCall.within(HookLimits.resolveTimeout))
    }
}
