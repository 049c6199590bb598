import Contracts
import JSON
import Postgres
import Store

/// Turns: asking the providers about a title, and writing what they say.
extension MetadataStore {
    /// How long a turn may take before another replica may begin one.
    static let turnMax = Duration.seconds(120)

    /// Leases up to `count` due titles, longest due first, each for a turn.
    func leaseDue(_ count: Int, until deadline: ContinuousClock.Instant) async throws(StoreError) -> [TitleRecord] {
        try await database.rows(
            MetadataQueries.lease, [.int(count), .int8(Self.turnMax.milliseconds * 1_000)], until: deadline)
    }

    /// Begins a turn for one title. Nil if there is no such title, if another turn is under way or, unless `isForced`,
    /// if the title failed and is not yet due again.
    func begin(
        _ id: TitleID, isForced: Bool = true, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> TitleRecord? {
        try await database.rows(
            MetadataQueries.begin, [.id(id), .int8(Self.turnMax.milliseconds * 1_000), .bool(isForced)],
            until: deadline
        ).first
    }

    /// Whether the title failed and is not yet due again, with no turn under way.
    func isPostponed(_ id: TitleID, until deadline: ContinuousClock.Instant) async throws(StoreError) -> Bool {
        try await database.rows(MetadataQueries.isPostponed, [.id(id)], until: deadline).first ?? false
    }

    /// Returns the title with the outcome of each provider.
    func record(_ id: TitleID, until deadline: ContinuousClock.Instant) async throws(StoreError) -> TitleRecord? {
        try await database.rows(MetadataQueries.outcomes, [.id(id)], until: deadline).first
    }

    /// Stores a new title with its first findings, all or nothing. Throws `conflict` if one of its ids, or its number,
    /// already belongs to another title.
    func create(
        _ wanted: WantedTitle, keys: [OutsideKey], _ findings: RefreshFindings, of record: TitleRecord,
        newID: () -> TitleID, at now: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        let insert = MetadataQueries.insert.bound([
            .id(record.title.id), .word(wanted.kind), .id(wanted.series),
            .int4(wanted.seasonNumber.map { Int32(clamping: $0) }),
            .int4(wanted.episodeNumber.map { Int32(clamping: $0) }),
            .text(wanted.provisionalName), .int4(wanted.year.map { Int32(clamping: $0) }), .moment(now),
            .textArray(keys.map(\.source)), .textArray(keys.map(\.value)), .int8(Self.turnMax.milliseconds * 1_000),
        ])
        _ = try await database.run(
            together: [insert] + steps(findings, of: record, keys: [], newID: newID), until: deadline)
    }

    /// Writes a turn's findings, all or none. Returns false if another turn has begun; then nothing is written.
    func save(
        _ findings: RefreshFindings, of record: TitleRecord, keys: [OutsideKey], newID: () -> TitleID,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await database.run(together: steps(findings, of: record, keys: keys, newID: newID), until: deadline).last
            == 1
    }

    /// Returns the writes of a turn, the last of which ends it.
    private func steps(
        _ findings: RefreshFindings, of record: TitleRecord, keys: [OutsideKey], newID: () -> TitleID
    ) -> [PGBoundStatement] {
        let turn: [PGValue] = [.id(record.title.id), .int8(record.fence)]
        let now = Timestamp(clampingMicrosecondsSinceEpoch: findings.nowMilliseconds * 1_000)
        var steps = [
            MetadataQueries.hold.bound(turn), MetadataQueries.update.bound(turn + Self.columns(findings, now)),
        ]
        if !keys.isEmpty {
            steps.append(
                MetadataQueries.link.bound(turn + [.textArray(keys.map(\.source)), .textArray(keys.map(\.value))]))
        }
        let kind = record.title.kind
        if kind == .movie || kind == .series {
            let names = findings.draft.names.isEmpty ? [record.title.name] : findings.draft.names
            steps.append(
                MetadataQueries.addNames.bound(
                    turn + [.textArray(names), .textArray(names.map(NameWords.words)), .int(MatchLimits.namesMax)]))
            let keys = TitleKeys.keys(names.map(TitleName.init))
            steps.append(MetadataQueries.addKeys.bound(turn + [.textArray(keys)]))
        }
        steps += Self.told(findings, turn, now)
        // A title that was never enriched has nothing to thin.
        if !findings.changes.isEmpty, record.title.enrichedAt != nil {
            steps.append(
                MetadataQueries.thinHistory.bound(
                    turn + [
                        .moment(now), .int8(HistoryLimits.weeklyAfter.components.seconds),
                        .int8(HistoryLimits.monthlyAfter.components.seconds), .int(HistoryLimits.changesMax),
                    ]))
        }
        let series = kind == .season ? record.title.series : record.title.id
        if let series, !findings.draft.children.isEmpty {
            steps += Self.children(findings, of: series, turn, now, newID)
        }
        steps.append(
            MetadataQueries.finish.bound(
                turn + [
                    .moment(Timestamp(clampingMicrosecondsSinceEpoch: findings.dueMilliseconds * 1_000)),
                    .int4(Int32(clamping: findings.attempts)),
                ]))
        return steps
    }

    private static func columns(_ findings: RefreshFindings, _ now: Timestamp) -> [PGValue] {
        let draft = findings.draft
        return [
            .text(draft.name), .text(draft.originalName), .int4(draft.year.map { Int32($0) }),
            .day(draft.released.flatMap(CalendarDate.init)), .day(draft.ended.flatMap(CalendarDate.init)),
            .text(draft.overview), .int4(draft.runtimeMinutes.map { Int32(clamping: $0) }), .textArray(draft.genres),
            .text(draft.certification), .text(draft.posterURL), .text(draft.backdropURL),
            .json(findings.scores.map(ExternalRating.init)), .double(findings.votes?.average),
            .int8(findings.votes?.count), .bool(!findings.isConfirmed), .moment(findings.isAnswered ? now : nil),
            .moment(draft.children.isEmpty ? nil : now), .moment(now),
        ]
    }

    /// Returns the writes of what the providers said, of their outcomes, and of the changes of scores.
    private static func told(_ findings: RefreshFindings, _ turn: [PGValue], _ now: Timestamp) -> [PGBoundStatement] {
        var steps: [PGBoundStatement] = []
        if !findings.facts.isEmpty {
            steps.append(
                MetadataQueries.keepFacts.bound(
                    turn + [
                        .textArray(findings.facts.map(\.provider.rawValue)),
                        .jsonbArray(findings.facts.map { encodeJSON($0) }),
                        .timestampArray(
                            findings.facts.map { PGTimestamp(microseconds: $0.fetchedAtMilliseconds * 1_000) }),
                    ]))
        }
        if !findings.outcomes.isEmpty {
            steps.append(
                MetadataQueries.keepOutcomes.bound(
                    turn + [
                        .moment(now), .textArray(findings.outcomes.map(\.provider.rawValue)),
                        .textArray(findings.outcomes.map(\.outcome.rawValue)),
                        .textArray(findings.outcomes.map { $0.detail.map { String($0.prefix(200)) } }),
                        .timestampArray(
                            findings.outcomes.map {
                                $0.nextAtMilliseconds.map { PGTimestamp(microseconds: $0 * 1_000) }
                            }),
                    ]))
        }
        if !findings.changes.isEmpty {
            steps.append(
                MetadataQueries.addHistory.bound(
                    turn + [
                        .moment(now), .textArray(findings.changes.map(\.source.rawValue)),
                        .textArray(findings.changes.map(\.score?.value)),
                        .doubleArray(findings.changes.map(\.score?.score)),
                        .int8Array(findings.changes.map(\.score?.votes)),
                        .textArray(findings.changes.map(\.score?.via.rawValue)),
                    ]))
        }
        return steps
    }

    private static func children(
        _ findings: RefreshFindings, of series: TitleID, _ turn: [PGValue], _ now: Timestamp, _ newID: () -> TitleID
    ) -> [PGBoundStatement] {
        let children = findings.draft.children
        let votes = children.map { VoteAggregate($0.scores) }
        let listed = MetadataQueries.keepChildren.bound(
            turn + [
                .id(series), .moment(now), .ids(children.map { _ in newID() }),
                .textArray(children.map(\.kind.rawValue)),
                .int4Array(children.map { Int32(clamping: $0.number.season) }),
                .int4Array(children.map { Int32(clamping: $0.number.episode ?? -1) }), .textArray(children.map(\.name)),
                .dateArray(
                    children.map {
                        $0.draft.released.flatMap(CalendarDate.init).map {
                            PGDate(days: Int32(clamping: $0.daysSinceEpoch))
                        }
                    }),
                .textArray(children.map(\.draft.overview)),
                .int4Array(children.map { $0.draft.runtimeMinutes.map { Int32(clamping: $0) } }),
                .textArray(children.map(\.draft.posterURL)),
                .jsonbArray(children.map { encodeJSON($0.scores.map(ExternalRating.init)) }),
                .doubleArray(votes.map { $0?.average }), .int8Array(votes.map { $0?.count }),
                .bool(findings.isListLeading), .int4(Int32(ChildDraft.yearMin)),
            ])
        let keys = children.flatMap { child in child.draft.ids.keys(kind: child.kind).map { (child.number, $0) } }
        guard !keys.isEmpty else { return [listed] }
        let linked = MetadataQueries.linkChildren.bound(
            turn + [
                .id(series), .textArray(keys.map(\.1.source)), .textArray(keys.map(\.1.kind.rawValue)),
                .textArray(keys.map(\.1.value)), .int4Array(keys.map { Int32(clamping: $0.0.season) }),
                .int4Array(keys.map { Int32(clamping: $0.0.episode ?? -1) }),
            ])
        return [listed, linked]
    }

    /// Gives back unfinished turns.
    func release(_ turns: [TitleTurn], until deadline: ContinuousClock.Instant) async throws(StoreError) {
        try await database.run(
            MetadataQueries.release, [.ids(turns.map(\.title)), .int8Array(turns.map(\.fence))], until: deadline)
    }

    /// Ends a turn whose findings could not be stored; the title is due again after `wait`.
    func postpone(
        _ turn: TitleTurn, by wait: Duration, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await database.run(
            MetadataQueries.postpone, [.id(turn.title), .int8(turn.fence), .int8(wait.milliseconds * 1_000)],
            until: deadline)
    }

    /// Makes titles due by the given times at the latest; those that failed keep their own.
    func want(_ due: [(title: TitleID, at: Timestamp)], until deadline: ContinuousClock.Instant)
        async throws(StoreError)
    {
        guard !due.isEmpty else { return }
        try await database.run(
            MetadataQueries.wanted,
            [
                .ids(due.map(\.title)),
                .timestampArray(due.map { PGTimestamp(microseconds: $0.at.microsecondsSinceEpoch) }),
            ], until: deadline)
    }

    func dueCount(until deadline: ContinuousClock.Instant) async throws(StoreError) -> Int {
        try await database.rows(MetadataQueries.dueCount, [], until: deadline).first ?? 0
    }
}
