import Contracts
import Store

/// Asks the providers about titles and stores what they say.
struct Enricher: Sendable {
    let store: MetadataStore
    let providers: ProviderPanel
    let clock: any WallClock
    let ids: any IDSource
    var limits = EnrichmentLimits()

    /// The time of a turn that somebody waits for until `deadline`.
    func foreground(until deadline: ContinuousClock.Instant) -> ProviderTurn {
        let end = min(deadline - limits.storingReserve, .now + limits.foregroundMax)
        return ProviderTurn(deadline: end, isBackground: false)
    }

    func background() -> ProviderTurn { ProviderTurn(deadline: .now + limits.backgroundMax, isBackground: true) }

    /// Works one turn: asks whom the plan names, stores what they say, merges titles that turn out to be one. The id of
    /// the title that stands afterwards.
    func work(
        _ record: TitleRecord, isForced: Bool, turn: ProviderTurn, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> TitleID {
        // Without the lists of seasons and episodes, which are not kept, "unchanged" would leave them untold.
        let isWhole = record.childrenAt != nil || record.title.kind == .movie || record.title.kind == .episode
        // As of the day of the last answer, when the title's next turn was set.
        let day = (record.title.enrichedAt ?? clock.now).microsecondsSinceEpoch / PaceLine.dayMicroseconds
        let interval = RefreshSchedule.interval(.init(record.title, isWanted: true), today: day) * 1_000
        let plan = AskingPlan(
            kind: SubjectKind(record.title.kind), enabled: providers.profiles, facts: record.facts,
            outcomes: record.outcomes, now: now, isForced: isForced,
            interval: turn.isBackground && isWhole ? interval : 0)
        let known = plan.kept.compactMap { record.facts[$0] }
        let reports = await providers.ask(
            record.subject, asked: plan.asked, known: known, kept: isWhole ? record.facts : [:], turn: turn)
        // What was cut short says nothing of the providers.
        if Task.isCancelled { throw .cancelled }
        return try await store(reports, kept: plan.kept, of: record, until: deadline)
    }

    /// Stores what providers reported about a title whose turn this is. `asked` are ids by which somebody asked for it.
    func store(
        _ reports: [ProviderReport], kept: Set<ProviderID>, of record: TitleRecord, asked: SubjectIDs = SubjectIDs(),
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> TitleID {
        let findings = findings(reports, kept: kept, of: record)
        let join = try await join(findings.draft, asked: asked, own: record.title.id, until: deadline)
        _ = try await store.save(
            findings, of: record, keys: join.keys, newID: { TitleID(ids.next()) }, until: deadline)
        let target = try await merge(join, own: record.title.id, until: deadline)
        // What was just told belongs to the title that stands now; without a turn of its own, the next one joins it.
        if !join.merged.isEmpty, let standing = try await store.begin(target, until: deadline) {
            let joined = self.findings(reports, kept: kept, of: standing)
            _ = try await store.save(
                joined, of: standing, keys: [], newID: { TitleID(ids.next()) }, until: deadline)
        }
        return target
    }

    /// Gives a turn back that did not end, also in a task that is cancelled; where that fails, its lease runs out.
    func giveBack(_ record: TitleRecord) async {
        let turn = TitleTurn(title: record.title.id, fence: record.fence)
        await Task { try? await store.release([turn], until: .now + limits.storingReserve) }.value
    }

    /// Ends a turn of which nothing could be stored, also in a task that is cancelled: what stood in the way may still be
    /// there, and every turn costs the providers calls. Where that fails too, its lease runs out.
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

    /// What is to be done about the ids of `draft`, and those that were `asked` for at places of which it has none.
    func join(
        _ draft: TitleDraft, asked: SubjectIDs = SubjectIDs(), own: TitleID?, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> TitleJoin {
        let told = draft.ids.filled(from: asked).keys(kind: draft.kind)
        let holders = try await store.holders(of: told, own: own, until: deadline)
        return TitleJoin(told: told, holders: holders, own: own)
    }

    /// Merges titles that are one into the oldest of them; the id that stands.
    func merge(
        _ join: TitleJoin, own: TitleID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> TitleID {
        guard let target = join.target, !join.merged.isEmpty else { return own }
        for loser in join.merged {
            do throws(StoreError) {
                try await store.merge(loser, into: target, at: clock.now, until: deadline)
            } catch .conflict {
                // One of them was merged by another call meanwhile: the next turn sees what is left to do.
                try await store.want([(loser, clock.now), (target, clock.now)], until: deadline)
            }
        }
        return target
    }

    private var now: Int64 { clock.now.microsecondsSinceEpoch / 1_000 }
}
