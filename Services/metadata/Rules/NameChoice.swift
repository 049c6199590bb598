/// Which of some titles a name and a year mean.
enum NameChoice {
    /// A title that may be meant.
    struct Candidate: Sendable, Hashable {
        let kind: SubjectKind
        let names: [String]
        let year: Int?
        var runtimeMinutes: Int?
        var votes: Int64 = 0
    }

    enum Verdict: Sendable, Hashable {
        /// Index of the one that is meant.
        case one(Int)
        case several
        case none
    }

    static func verdict(kind: SubjectKind?, name: String, year: Int?, among candidates: [Candidate]) -> Verdict {
        let scores = candidates.map { score(kind: kind, name: name, year: year, $0) }
        guard let best = scores.max(), best >= accepted else { return .none }
        let close = scores.indices.filter { scores[$0] > best - margin }
        return close.count == 1 ? .one(close[0]) : .several
    }

    /// How well a candidate fits, 0 … 1.
    static func score(kind: SubjectKind?, name: String, year: Int?, _ candidate: Candidate) -> Double {
        if let kind, kind != candidate.kind { return 0 }
        let wanted = NameIndex.words(name)
        let names = candidate.names.map(NameIndex.words)
        var score: Double
        if names.contains(wanted) {
            score = 1
        } else {
            let words = Set(wanted.split(separator: " "))
            let shared = names.map {
                Double(words.intersection($0.split(separator: " ")).count * 2)
                    / Double(words.count + $0.split(separator: " ").count)
            }
            score = 0.7 * (shared.max() ?? 0)
        }
        if let year, let other = candidate.year {
            let distance = abs(year - other)
            if distance == 1 { score -= 0.1 } else if distance > 1 { score -= 0.4 }
        }
        return max(0, score)
    }

    static let accepted = 0.85
    static let margin = 0.08
}
