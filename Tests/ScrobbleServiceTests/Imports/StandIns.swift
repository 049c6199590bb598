import Contracts
import JSON
import RPC
import Store
import Synchronization
import Testing

@testable import ScrobbleService

/// Metadata and ratings as imports need them: titles by name, and ratings that only newer ones replace. An unexpected
/// call fails the test.
final class StandIns: RPCCaller {
    private struct State {
        var titles: [String: TitleReference] = [:]
        /// Titles created from films with a Letterboxd address.
        var films: [String: TitleReference] = [:]
        var ambiguous: Set<String> = []
        var ratings: [TitleID: Rating] = [:]
        /// The newest is last.
        var changes: [RatingChange] = []
        var refusals: [TitleID: WriteOutcome] = [:]
        var calls: [String: Int] = [:]
        var failures = 0
        /// The methods whose next call is not answered.
        var failing: Set<String> = []
        /// The version of the last rating written.
        var version = 0

        mutating func resolve(_ query: TitleQuery, _ missing: ResolveMissing?, _ newID: TitleID) -> ResolvedTitle {
            let film = query.ids.letterboxd
            if let title = film.flatMap({ films[$0] }) { return ResolvedTitle(state: .known, title: title) }
            guard let name = query.name else { return ResolvedTitle(state: .unknown) }
            if ambiguous.contains(name) { return ResolvedTitle(state: .ambiguous) }
            // A title that belongs to another film by its address is not the one asked for.
            let isOther = film != nil && films.values.contains { $0.id == titles[name]?.id }
            if !isOther, let title = titles[name] { return ResolvedTitle(state: .known, title: title) }
            guard missing == .create else { return ResolvedTitle(state: .unknown) }
            let title = TitleReference(id: newID, kind: query.kind, name: name, year: query.year, isLocal: true)
            if let film { films[film] = title }
            titles[isOther ? "\(name) \(film ?? "")" : name] = title
            return ResolvedTitle(state: .created, title: title)
        }

        /// Returns all titles with exactly this name, in the order in which they were created.
        func candidates(of query: TitleQuery, _ count: Int) -> [TitleCandidate] {
            let addresses = Dictionary(films.map { ($0.value.id, $0.key) }) { first, _ in first }
            let named = titles.values.filter { query.ids == ExternalIds() && $0.name == query.name }
            return named.sorted { $0.id.description < $1.id.description }.prefix(count).map { title in
                TitleCandidate(
                    id: title.id, kind: title.kind, name: title.name, year: title.year,
                    externalIds: ExternalIds(letterboxd: addresses[title.id]), match: 1, via: [])
            }
        }
    }

    /// The number of bytes a service reads of one call.
    private static let bodyBytesMax = 1_048_576

    private let state = Mutex(State())
    private let ids = SystemIDSource()

    var ratings: [TitleID: Rating] { state.withLock(\.ratings) }
    var calls: [String: Int] { state.withLock(\.calls) }

    /// The rating of each title by name, in tenths.
    var ratingsByName: [String: Int] {
        state.withLock { state in
            let names = Dictionary(state.titles.values.map { ($0.id, $0.name) }) { first, _ in first }
            return Dictionary(state.ratings.map { (names[$0.key] ?? "?", $0.value.rating.tenths) }) { first, _ in first
            }
        }
    }

    func name(of title: TitleID) -> String? {
        state.withLock { $0.titles.values.first { $0.id == title }?.name }
    }

    @discardableResult
    func know(_ name: String, _ year: Int, _ kind: TitleKind = .movie) -> TitleID {
        let title = TitleID(ids.next())
        state.withLock {
            $0.titles[name] = TitleReference(id: title, kind: kind, name: name, year: year, isLocal: false)
        }
        return title
    }

    /// Adds another name for a title.
    func know(_ name: String, _ year: Int, as title: TitleID) {
        state.withLock {
            $0.titles[name] = TitleReference(id: title, kind: .movie, name: name, year: year, isLocal: false)
        }
    }

    /// Stores a rating, whoever wrote it.
    func keep(_ rating: Rating) { state.withLock { $0.ratings[rating.title] = rating } }

    /// Adds a past rating change.
    func remember(_ change: RatingChange) { state.withLock { $0.changes.append(change) } }

    /// Answers every write to the title's rating with `result`, without storing it.
    func refuse(_ title: TitleID, as result: WriteResult, version: Int? = nil) {
        state.withLock { $0.refusals[title] = WriteOutcome(title: title, result: result, version: version) }
    }

    func confuse(_ name: String) { state.withLock { _ = $0.ambiguous.insert(name) } }

    /// Adds films of the same name and year that are known by their addresses; the name alone is ambiguous.
    func confuse(_ name: String, _ year: Int, films: [String]) -> [TitleID] {
        confuse(name)
        return films.map { film in
            let title = TitleReference(id: TitleID(ids.next()), kind: .movie, name: name, year: year, isLocal: false)
            state.withLock {
                $0.films[film] = title
                $0.titles["\(name) \(film)"] = title
            }
            return title.id
        }
    }

    /// Makes the next call of a method fail without an answer.
    func failNext(of method: RPCMethod) { state.withLock { _ = $0.failing.insert(method.name) } }

    /// Makes the next `count` calls fail without an answer.
    func failNext(_ count: Int) { state.withLock { $0.failures = count } }

    func call<Params: JSONEncodable, Result: JSONDecodable>(
        _ method: RPCMethod, _ params: Params, _ call: RPCCall
    ) async throws(RPCError) -> Result {
        let isAway = state.withLock { state in
            state.calls[method.name, default: 0] += 1
            if state.failing.remove(method.name) != nil { return true }
            guard state.failures > 0 else { return false }
            state.failures -= 1
            return true
        }
        if isAway { throw .unavailable("nobody is there") }
        if encodeJSON(params).count > Self.bodyBytesMax {
            throw .invalidParams("params: are larger than the service accepts")
        }
        let answer: Any
        switch params {
        case let params as ResolveTitlesParams: answer = resolve(params)
        case let params as GetTitlesParams: answer = get(params)
        case let params as GetTitleParams:
            guard let found = get(GetTitlesParams(titles: [params.title])).found.first else {
                throw .titleNotFound("there is no such title")
            }
            answer = found.title
        case let params as GetRatingsParams: answer = rated(params)
        case let params as WriteRatingsParams: answer = write(params)
        case let params as ListTimelineParams: answer = timeline(params)
        default:
            Issue.record("nobody expects \(method.name)")
            throw .internal("unexpected")
        }
        guard let answer = answer as? Result else { throw .internal("another answer was wanted") }
        return answer
    }

    private func resolve(_ params: ResolveTitlesParams) -> ResolvedTitles {
        state.withLock { state in
            let results = params.queries.map { query -> ResolvedTitle in
                var result = state.resolve(query, params.missing, TitleID(ids.next()))
                result.candidates = params.candidates.map { state.candidates(of: query, $0) }
                return result
            }
            return ResolvedTitles(results: results)
        }
    }

    private func get(_ params: GetTitlesParams) -> FoundTitles {
        state.withLock { state in
            FoundTitles(
                found: params.titles.compactMap { id in
                    state.titles.values.first { $0.id == id }.map { title in
                        FoundTitle(
                            asked: id,
                            title: Title(
                                id: id, kind: title.kind, name: title.name, genres: [], externalIds: ExternalIds(),
                                externalRatings: [], isLocal: false))
                    }
                })
        }
    }

    private func rated(_ params: GetRatingsParams) -> FoundRatings {
        state.withLock { state in FoundRatings(ratings: params.titles.compactMap { state.ratings[$0] }) }
    }

    private func timeline(_ params: ListTimelineParams) -> RatingTimeline {
        RatingTimeline(changes: state.withLock(\.changes).reversed().filter { $0.title == params.title })
    }

    private func write(_ params: WriteRatingsParams) -> WriteOutcomes {
        // A write that is not compared by date replaces one specific version.
        #expect(params.onlyNewer == true || params.items.allSatisfy { $0.expectedVersion != nil })
        #expect(params.batch != nil)
        return state.withLock { state in
            WriteOutcomes(
                outcomes: params.items.map { item in
                    if let refusal = state.refusals[item.title] { return refusal }
                    let at = item.ratedAt ?? Timestamp(clampingMicrosecondsSinceEpoch: 0)
                    let known = state.ratings[item.title]
                    if let expected = item.expectedVersion, expected != known?.version ?? 0 {
                        return WriteOutcome(title: item.title, result: .older, version: known?.version)
                    }
                    if params.onlyNewer == true, let known, known.ratedAt >= at {
                        return WriteOutcome(title: item.title, result: .same)
                    }
                    state.version += 1
                    if let rating = item.rating {
                        state.ratings[item.title] = Rating(
                            title: item.title, kind: item.kind, rating: rating, review: item.review, spoiler: false,
                            ratedAt: at, updatedAt: at, source: params.source, version: state.version)
                        state.changes.append(
                            RatingChange(
                                version: state.version, title: item.title, kind: item.kind, rating: rating,
                                ratedAt: at, at: at, source: params.source, batch: params.batch))
                    }
                    return WriteOutcome(title: item.title, result: .created)
                })
        }
    }
}
