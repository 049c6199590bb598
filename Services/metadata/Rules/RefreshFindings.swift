import Contracts

/// A title as it is when its turn begins, with what is known from the last one.
struct TitleRecord: Sendable {
    let title: Title
    /// Counts the title's turns.
    let fence: Int64
    /// The number of turns since the last one without a failure.
    let attempts: Int
    let childrenAt: Timestamp?
    /// The series' ids, for a season or an episode.
    let seriesIDs: SubjectIDs
    let facts: [ProviderID: ProviderFacts]
    let outcomes: [ProviderID: KeptOutcome]

    var scores: [OutsideScore] { title.externalRatings.compactMap { OutsideScore($0) } }

    var subject: ProviderSubject {
        ProviderSubject(
            kind: SubjectKind(title.kind), ids: SubjectIDs(title.externalIds), seriesIDs: seriesIDs,
            seasonNumber: title.seasonNumber, episodeNumber: title.episodeNumber,
            name: title.kind == .movie || title.kind == .series ? title.name : nil, originalName: title.originalName,
            year: title.year)
    }
}

extension TitleRecord {
    /// Creates the record of a new title.
    init(_ wanted: WantedTitle, id: TitleID) {
        title = Title(
            id: id, kind: wanted.kind, name: wanted.provisionalName, year: wanted.year, series: wanted.series,
            seasonNumber: wanted.seasonNumber, episodeNumber: wanted.episodeNumber, genres: [],
            externalIds: ExternalIds(wanted.ids), externalRatings: [], isLocal: true)
        fence = 1
        attempts = 0
        childrenAt = nil
        seriesIDs = wanted.seriesIDs
        facts = [:]
        outcomes = [:]
    }
}

/// Everything that a turn writes.
struct RefreshFindings: Sendable {
    struct Outcome: Sendable, Hashable {
        let provider: ProviderID
        let outcome: ProviderOutcome
        let detail: String?
        let nextAtMilliseconds: Int64?
    }

    let draft: TitleDraft
    let scores: [OutsideScore]
    let votes: VoteAggregate?
    let changes: [ScoreChanged]
    /// The facts of this turn.
    let facts: [ProviderFacts]
    let outcomes: [Outcome]
    /// Whether any provider has described the title, in this turn or before.
    let isConfirmed: Bool
    /// Whether a provider has answered in this turn.
    let isAnswered: Bool
    /// Whether the first provider, in the fixed order, to have described the title is among those that list its seasons
    /// or episodes now. If not (it said "unchanged", or failed), the others only add to what it listed.
    let isListLeading: Bool
    let attempts: Int
    /// When the title's next turn is due, in milliseconds since 1970.
    let dueMilliseconds: Int64
    let nowMilliseconds: Int64

    /// Joins what is stored with what the providers reported; pure, and the same whatever the order of `reports`.
    init(
        _ record: TitleRecord, reports: [ProviderReport], kept: Set<ProviderID>, off: [ProviderID],
        profiles: [ProviderProfile], now: Int64, seed: UInt64
    ) {
        let reports = reports.sorted { $0.answer.provider.order < $1.answer.provider.order }
        let profileOf = Dictionary(profiles.map { ($0.provider, $0) }) { first, _ in first }
        nowMilliseconds = now
        facts = reports.compactMap(\.facts)
        let fresh = Set(facts.map(\.provider))
        // What a provider said before holds if it could not be asked now, as long as its terms let it be kept.
        let older = record.facts.values.filter { old in
            let longest = profileOf[old.provider]?.keeping.longest ?? ProviderProfile.of(old.provider).keeping.longest
            return !fresh.contains(old.provider)
                && longest.map { now - old.fetchedAtMilliseconds < $0.milliseconds } ?? true
        }
        let ids = SubjectIDs(record.title.externalIds)
        draft = TitleDraft(kind: record.title.kind, facts: facts + older, ids: ids)
        isConfirmed = !facts.isEmpty || !older.isEmpty
        isAnswered = !facts.isEmpty
        let lister = facts.first { !$0.children.isEmpty }?.provider.order ?? 0
        isListLeading = !record.facts.keys.contains { $0.order < lister }

        let keptAnswers = older.filter { kept.contains($0.provider) }.map {
            ProviderAnswer(provider: $0.provider, outcome: $0.outcome, scores: $0.scores)
        }
        let refresh = ScoreRefresh(stored: record.scores, answers: reports.map(\.answer) + keptAnswers)
        scores = refresh.scores
        votes = VoteAggregate(refresh.scores)
        changes = ScoreChanged.between(record.scores, refresh.scores)

        outcomes =
            reports.map { report in
                let provider = report.answer.provider
                return Outcome(
                    provider: provider, outcome: report.answer.outcome,
                    detail: Self.detail(report, doubted: refresh.doubted),
                    nextAtMilliseconds: AskingPlan.nextAt(
                        report.answer.outcome, report.error, profile: profileOf[provider] ?? .of(provider), now: now,
                        spread: seed))
            }
            + off.map {
                Outcome(
                    provider: $0, outcome: .skipped, detail: "It is switched off or lacks a key.",
                    nextAtMilliseconds: nil)
            }
        let failed = reports.contains { $0.answer.outcome == .error }
        attempts = failed ? min(record.attempts + 1, 1_000) : 0

        // Anyone who looks at the title brings it forward.
        let traits = RefreshSchedule.Title(
            kind: SubjectKind(record.title.kind),
            releasedDay: draft.released?.firstDay ?? record.title.releaseDate.map { Int64($0.daysSinceEpoch) },
            hasScore: !refresh.scores.isEmpty, isWanted: false,
            hasEnded: draft.ended != nil || record.title.endDate != nil)
        var wait = RefreshSchedule.interval(traits, today: now / 86_400_000)
        if failed { wait = min(wait, RefreshSchedule.retry(attempt: attempts)) }
        var due = now + RefreshSchedule.jittered(wait, seed: seed) * 1_000
        for outcome in outcomes where outcome.outcome == .quota {
            if let next = outcome.nextAtMilliseconds { due = min(due, max(next, now + 60_000)) }
        }
        dueMilliseconds = due
    }

    private static func detail(_ report: ProviderReport, doubted: [OutsideScore]) -> String? {
        if let error = report.error { return error.detail }
        let provider = report.answer.provider
        if let jump = doubted.first(where: { $0.via == provider }) {
            return "Its \(jump.source.name) score, \(jump.value), is too far from the last one to be trusted yet."
        }
        if let odd = report.facts?.quarantined.first {
            return "Its \(odd.source.name) figure is off the scale and was left out."
        }
        return report.isUnmapped ? "It cannot be asked with what is known about the title." : nil
    }
}

extension PartialDate {
    /// Days since 1970 of the date, or of the first day that it may mean.
    var firstDay: Int64? {
        CalendarDate(year: year, month: month ?? 1, day: day ?? 1).map { Int64($0.daysSinceEpoch) }
    }
}

extension CalendarDate {
    /// Nil if the day is unknown.
    init?(_ date: PartialDate) {
        guard let month = date.month, let day = date.day else { return nil }
        self.init(year: date.year, month: month, day: day)
    }
}
