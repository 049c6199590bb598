import Contracts

/// The candidates of a search in order, each title once however many providers know it.
struct SearchRanking: Sendable {
    let candidates: [TitleCandidate]
    /// The stored title that is meant beyond doubt, if there is one.
    let accepted: TitleID?

    private struct Entry {
        var id: TitleID?
        let kind: SubjectKind
        let name: String
        let originalName: String?
        var names: [String]
        let year: Int?
        let posterURL: String?
        var ids: SubjectIDs
        var via: [ProviderID]
        let votes: Int64
        /// The keys of all its names.
        var keys: Set<String>
    }

    /// `own` is in any order; `found` is in the fixed order of providers, each provider's best first.
    init(kind: SubjectKind?, name: String, year: Int?, own: [NamedTitle], found: [ProviderFacts]) {
        var entries = own.map { named in
            Entry(
                id: named.title.id, kind: SubjectKind(named.title.kind), name: named.title.name,
                originalName: named.title.originalName,
                names: [named.title.name] + [named.title.originalName].compactMap(\.self) + named.names,
                year: named.title.year, posterURL: named.title.posterUrl, ids: SubjectIDs(named.title.externalIds),
                via: [], votes: Int64(named.title.voteCount ?? 0), keys: [])
        }
        for index in entries.indices { entries[index].keys = Self.keys(entries[index].names) }
        for facts in found where kind == nil || kind == facts.kind {
            guard let shown = facts.name else { continue }
            let names = facts.candidate.names
            let keys = Self.keys(names)
            if let place = entries.firstIndex(where: { Self.isSame($0, facts, keys) }) {
                entries[place].ids = entries[place].ids.filled(from: facts.ids)
                entries[place].names += names
                entries[place].keys.formUnion(keys)
                if !entries[place].via.contains(facts.provider) { entries[place].via.append(facts.provider) }
            } else {
                entries.append(
                    Entry(
                        id: nil, kind: facts.kind, name: shown, originalName: facts.originalName, names: names,
                        year: facts.released?.year, posterURL: facts.posterURL, ids: facts.ids, via: [facts.provider],
                        votes: facts.candidate.votes, keys: keys))
            }
        }
        let offers = entries.map {
            OwnMatch.Candidate(kind: $0.kind, names: $0.names, year: $0.year)
        }
        let scores = OwnMatch.fits(kind: kind, name: name, year: year, offers)
        // Ties: stored titles first, then those with more votes, then in the order in which they came.
        let order = entries.indices.sorted { left, right in
            if scores[left] != scores[right] { return scores[left] > scores[right] }
            let (one, other) = (entries[left], entries[right])
            if (one.id != nil) != (other.id != nil) { return one.id != nil }
            return one.votes != other.votes ? one.votes > other.votes : left < right
        }
        candidates = order.map { index in
            let entry = entries[index]
            return TitleCandidate(
                id: entry.id, kind: TitleKind(entry.kind), name: entry.name, originalName: entry.originalName,
                year: entry.year, posterUrl: entry.posterURL, externalIds: ExternalIds(entry.ids),
                match: scores[index], via: entry.via.map(Provider.init))
        }
        if case .one(let index) = OwnMatch.verdict(kind: kind, name: name, year: year, among: offers) {
            accepted = entries[index].id
        } else {
            accepted = nil
        }
    }

    /// Whether a provider's answer is the title of an entry: an id that both have decides; without one, name and year.
    private static func isSame(_ entry: Entry, _ facts: ProviderFacts, _ keys: Set<String>) -> Bool {
        guard entry.kind == facts.kind else { return false }
        let ours = entry.ids.keys(kind: .movie)
        if !ours.isEmpty, facts.ids.keys(kind: .movie).contains(where: ours.contains) { return true }
        if entry.ids.contradicts(facts.ids) || entry.via.contains(facts.provider) { return false }
        guard let year = entry.year, year == facts.released?.year else { return false }
        return !entry.keys.isDisjoint(with: keys)
    }

    private static func keys(_ names: [String]) -> Set<String> {
        Set(names.lazy.map { TitleName($0).key }.filter { !$0.isEmpty })
    }
}

extension NamedReference {
    var candidate: OwnMatch.Candidate {
        OwnMatch.Candidate(
            kind: SubjectKind(title.kind), names: [title.name] + [originalName].compactMap(\.self) + names,
            year: title.year, runtimeMinutes: runtimeMinutes)
    }
}

/// What a person typed, for the word index.
enum SearchText {
    /// The most words of a search that count.
    private static let wordsMax = 12

    /// Returns a tsquery of all words but a leading article, the last of which may be incomplete; words hold letters
    /// and digits only.
    static func expression(_ text: String) -> String {
        let words = TitleMatch.normalized(text).split(separator: " ").prefix(wordsMax).map { word in
            String(word.filter { $0.isLetter || $0.isNumber })
        }.filter { !$0.isEmpty }
        return words.enumerated().map { index, word in
            "'\(word)'" + (index == words.count - 1 ? ":*" : "")
        }.joined(separator: " & ")
    }
}
