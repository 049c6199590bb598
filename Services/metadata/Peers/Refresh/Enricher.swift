import Contracts
import Store

/// Asks the providers about titles and stores what they say.
struct Enricher: Sendable {
    let store: MetadataStore
    let providers: ProviderPanel
    let clock: any WallClock
    let ids: any IDSource
    var limits = EnrichmentLimits()

    /// Returns the turn of a caller that waits until `deadline`.
    func foreground(until deadline: ContinuousClock.Instant) -> ProviderTurn {
        let end = min(deadline - limits.storingReserve, .now + limits.foregroundMax)
        return ProviderTurn(deadline: end, isBackground: false)
    }

    func background() -> ProviderTurn { ProviderTurn(deadline: .now + limits.backgroundMax, isBackground: true) }

    /// Runs one turn: asks the providers that the plan names, stores what they say, and merges titles that turn out to
    /// be the same. Returns the id of the title that remains.
    func work(
        _ record: TitleRecord, isForced: Bool, turn: ProviderTurn, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> TitleID {
        // While the lists of seasons and episodes are missing, "unchanged" would leave them so: they are not kept with
        // the facts.
        let isWhole = record.childrenAt != nil || record.title.kind == .movie || record.title.kind == .episode
        // As of the day of the last answer, when the title's next turn was scheduled.
        let day = (record.title.enrichedAt ?? clock.now).microsecondsSinceEpoch / PaceLine.dayMicroseconds
        let interval = RefreshSchedule.interval(.init(record.title, isWanted: true), today: day) * 1_000
        let plan = AskingPlan(
            kind: SubjectKind(record.title.kind), enabled: providers.profiles, facts: record.facts,
            outcomes: record.outcomes, now: now, isForced: isForced,
            interval: turn.isBackground && isWhole ? interval : 0)
        let known = plan.kept.compactMap { record.facts[$0] }
        let reports = await providers.ask(
            record.subject, asked: plan.asked, known: known, kept: isWhole ? record.facts : [:], turn: turn)
        // A turn that was cut short says nothing about the providers.
        if Task.isCancelled { throw .cancelled }
        return try await store(reports, kept: plan.kept, of: record, until: deadline)
    }

    /// Stores what providers reported about a title whose turn this is. `asked` holds the ids by which a caller asked
    /// for it.
    func store(
        _ reports: [ProviderReport], kept: Set<ProviderID>, of record: TitleRecord, asked: SubjectIDs = SubjectIDs(),
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> TitleID {
        let findings = findings(reports, kept: kept, of: record)
        let join = try await join(findings.draft, asked: asked, own: record.title.id, until: deadline)
        _ = try await store.save(
            findings, of: record, keys: join.keys, newID: { TitleID(ids.next()) }, until: deadline)
        let target = try await merge(join, own: record.title.id, until: deadline)
        // What was just told belongs to the title that remains; if it cannot have a turn now, its next one joins it.
        if !join.merged.isEmpty, let standing = try await store.begin(target, until: deadline) {
            let joined = self.findings(reports, kept: kept, of: standing)
            _ = try await store.save(
                joined, of: standing, keys: [], newID: { TitleID(ids.next()) }, until: deadline)
        }
        return target
    }

    /// Gives back an unfinished turn, even in a cancelled task; if that fails, its lease expires.
    func giveBack(_ record: TitleRecord) async {
        let turn = TitleTurn(title: record.title.id, fence: record.fence)
        await Task { try? await store.release([turn], until: .now + limits.storingReserve) }.value
    }

    /// Ends a turn whose findings could not be stored, even in a cancelled task: the cause may persist, and every turn
    /// costs calls to providers. If that fails too, its lease expires.
    func postpone(_ record: TitleRecord) async {
        let turn = TitleTurn(title: record.title.id, fence: record.fence)
        let seconds = RefreshSchedule.jittered(
            RefreshSchedule.retry(attempt: record.attempts + 1), seed: record.title.id.uuid.low)
        await Task {
            try? await store.postpone(turn, by: .seconds(seconds), until: .now + limits.storingReserve)
        }.value
    }

    func findings(_ reports: [ProviderReport], kept: Set<ProviderID>, of record: TitleRecord) -> RefreshFindings {
        RefreshFindings(
            record, reports: reports, kept: kept, off: providers.skipped, profiles: providers.profiles, now: now,
            seed: record.title.id.uuid.low)
    }

    /// Decides what to do about the ids of `draft`, and those `asked` for at sites where it has none.
    func join(
        _ draft: TitleDraft, asked: SubjectIDs = SubjectIDs(), own: TitleID?, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> TitleJoin {
        let told = draft.ids.filled(from: asked).keys(kind: draft.kind)
        let holders = try await store.holders(of: told, own: own, until: deadline)
        return TitleJoin(told: told, holders: holders, own: own)
    }

    /// Merges titles that are the same into the oldest of them, and returns its id.
    func merge(
        _ join: TitleJoin, own: TitleID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> TitleID {
        guard let target = join.target, !join.merged.isEmpty else { return own }
        for loser in join.merged {
            do throws(StoreError) {
                try await store.merge(loser, into: target, at: clock.now, until: deadline)
            } catch .conflict {
                // Another call merged one of them in the meantime; the next turn does what is left.
                try await store.want([(loser, clock.now), (target, clock.now)], until: deadline)
            }
        }
        return target
    }

    private var now: Int64 { clock.now.microsecondsSinceEpoch / 1_000 }
}
