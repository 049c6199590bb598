/// What is known of a title when it is compared with another; nil and empty mean unknown.
package struct TitleTraits: Sendable, Hashable {
    /// In any order: the displayed name, the original one, translations; at most `MatchLimits.namesMax` are compared.
    package let names: [TitleName]
    package let kind: SubjectKind?
    package let year: Int?
    package let runtimeMinutes: Int?
    /// By site, such as "imdb"; ids of one site are of the title's kind.
    package let ids: [String: String]

    package init(
        names: [TitleName], kind: SubjectKind? = nil, year: Int? = nil, runtimeMinutes: Int? = nil,
        ids: [String: String] = [:]
    ) {
        self.names = names
        self.kind = kind
        self.year = year
        self.runtimeMinutes = runtimeMinutes
        self.ids = ids
    }
}

/// How far two names agree; greater is better.
package enum NameAgreement: Int, Sendable, Hashable, Comparable, CaseIterable {
    case none
    /// They share at least half of their words.
    case resembling
    /// One is the other without its subtitle, or without an owner's name before a single telling word: as often as not
    /// another film of the series.
    case partly
    /// One is the other's subtitle, of at least two telling words.
    case subtitle
    /// One is the other's title before "or".
    case alternative
    /// Equal but for the leading article, which may be a word of its own ("Die Hard").
    case article
    /// Equal but for spaces, "and", or how numbers and a few words are written.
    case equivalent
    /// Equal but for case, accents, and punctuation.
    case same

    package static func < (left: NameAgreement, right: NameAgreement) -> Bool { left.rawValue < right.rawValue }

    package init(_ left: TitleName, _ right: TitleName) {
        self.init(left, right, isResemblanceWanted: true)
    }

    /// Counting shared words takes the longest and is seldom needed.
    init(_ left: TitleName, _ right: TitleName, isResemblanceWanted: Bool) {
        if left.isEmpty || right.isEmpty {
            self = .none
        } else if left.plain == right.plain {
            self = .same
        } else if left.key == right.key {
            self = left.article == right.article ? .equivalent : .article
        } else {
            self = max(Self.part(of: left, is: right), Self.part(of: right, is: left))
            if self == .none, isResemblanceWanted { self = Self.resemblance(left, right) }
        }
    }

    private static func part(of long: TitleName, is short: TitleName) -> NameAgreement {
        if long.alternative?.key == short.key { return .alternative }
        if let tail = long.tail, tail.key == short.key { return tail.isTelling ? .subtitle : .partly }
        return long.head?.key == short.key ? .partly : .none
    }

    private static func resemblance(_ left: TitleName, _ right: TitleName) -> NameAgreement {
        let (ours, theirs) = (Set(left.plain.split(separator: " ")), Set(right.plain.split(separator: " ")))
        return ours.intersection(theirs).count * 2 >= max(ours.count, theirs.count) ? .resembling : .none
    }
}

/// The outcome of a comparison with candidates.
package struct MatchOutcome: Sendable, Hashable {
    package enum Verdict: Sendable, Hashable {
        /// One candidate is the title; its index.
        case matched(Int)
        /// Somebody must choose among `offers`.
        case ambiguous
        /// None is worth showing.
        case unmatched
    }

    package struct Offer: Sendable, Hashable {
        /// The index of the candidate, as given.
        package let index: Int
        package let score: Int
    }

    package let verdict: Verdict
    /// The candidates worth showing, best first; at most 10.
    package let offers: [Offer]
}

/// Decides which candidate a title is. A wrong match is worse than none.
///
/// The score is a sum over what is known; `docs/matching.md` describes how the figures were found.
package enum TitleMatcher {
    /// The least score at which a candidate is accepted, if it is clearly the best.
    static let threshold = 750
    /// How far the second must be behind.
    static let margin = 60
    /// The least score at which a candidate is shown.
    static let offerFloor = 500
    /// The score of an equal name in the same year.
    static let fullScore = 900

    package static func decide(_ wanted: TitleTraits, among candidates: [TitleTraits]) -> MatchOutcome {
        var best: [MatchOutcome.Offer] = []
        for (index, candidate) in candidates.enumerated() {
            let other = otherPoints(wanted, candidate)
            // Most namesakes are from other years, which no name could make up for, so they need not be compared.
            guard other + points(.same) >= offerFloor else { continue }
            let score =
                other
                + points(agreement(wanted, candidate, isResemblanceWanted: other + points(.resembling) >= offerFloor))
            guard score >= offerFloor else { continue }
            // Equal scores stay in the given order.
            let place = best.firstIndex { $0.score < score } ?? best.count
            guard place < MatchLimits.offersMax else { continue }
            best.insert(MatchOutcome.Offer(index: index, score: score), at: place)
            if best.count > MatchLimits.offersMax { best.removeLast() }
        }
        guard let first = best.first else { return MatchOutcome(verdict: .unmatched, offers: []) }
        let second = best.count > 1 ? best[1].score : Int.min / 2
        let isClear = first.score >= threshold && first.score - second >= margin
        return MatchOutcome(verdict: isClear ? .matched(first.index) : .ambiguous, offers: best)
    }

    /// Returns how well two titles agree; the same in both directions. Above 1 000 only if an id agrees.
    package static func score(_ left: TitleTraits, _ right: TitleTraits) -> Int {
        otherPoints(left, right) + points(agreement(left, right, isResemblanceWanted: true))
    }

    /// Returns the points of everything but the names.
    private static func otherPoints(_ left: TitleTraits, _ right: TitleTraits) -> Int {
        idPoints(left, right) + yearPoints(left, right)
            + runtimePoints(left.runtimeMinutes, right.runtimeMinutes) + kindPoints(left.kind, right.kind)
    }

    private static func agreement(
        _ left: TitleTraits, _ right: TitleTraits, isResemblanceWanted: Bool
    ) -> NameAgreement {
        var best = NameAgreement.none
        for ours in left.names.prefix(MatchLimits.namesMax) {
            for theirs in right.names.prefix(MatchLimits.namesMax) {
                best = max(best, NameAgreement(ours, theirs, isResemblanceWanted: isResemblanceWanted && best == .none))
                if best == .same { return best }
            }
        }
        return best
    }

    private static func points(_ agreement: NameAgreement) -> Int {
        switch agreement {
        case .same: 600
        case .equivalent: 540
        case .article: 520
        case .alternative: 480
        case .subtitle: 460
        case .partly: 380
        case .resembling: 200
        case .none: 0
        }
    }

    /// Premieres and releases often fall in different years. A series without a year is known by its name: few share
    /// one, and a remake usually has its year in it.
    private static func yearPoints(_ one: TitleTraits, _ other: TitleTraits) -> Int {
        guard let left = one.year, let right = other.year else {
            return one.kind == .series && other.kind == .series ? 160 : 100
        }
        return switch abs(left - right) {
        case 0: 300
        case 1: 215
        case 2: 60
        default: -200
        }
    }

    /// Versions of one film differ by a few minutes, films of the same name by more.
    private static func runtimePoints(_ left: Int?, _ right: Int?) -> Int {
        guard let left, let right, left > 0, right > 0 else { return 0 }
        let (difference, longer) = (abs(left - right), max(left, right))
        if difference <= max(3, longer / 25) { return 80 }
        if difference * 10 <= longer { return 0 }
        return difference * 4 <= longer ? -40 : -120
    }

    private static func kindPoints(_ left: SubjectKind?, _ right: SubjectKind?) -> Int {
        guard let left, let right else { return 0 }
        return left == right ? 0 : -500
    }

    private static func idPoints(_ left: TitleTraits, _ right: TitleTraits) -> Int {
        guard !left.ids.isEmpty, !right.ids.isEmpty else { return 0 }
        var points = 0
        for (place, id) in left.ids {
            guard let other = right.ids[place] else { continue }
            points += id == other ? 1_000 : -700
        }
        return points
    }
}
