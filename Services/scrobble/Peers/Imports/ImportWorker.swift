package import Contracts
import RPC
package import Store

/// Advances imports from state to state. Any number of workers may run, on any machine; another one resumes what is
/// left behind when the lease expires.
package struct ImportWorker: Sendable {
    /// An event in a worker's progress; also the points at which a test kills it.
    package enum Point: Sendable {
        case claimed(ImportClaim)
        /// A page is judged; nothing of it is written.
        case judged(ImportClaim)
        /// A page is written, but not noted as done.
        case written(ImportClaim)
        /// A correction is about to be written.
        case correcting(ImportID)
        /// The import has failed for good.
        case failed(ImportClaim)
        case troubled(ImportClaim?, String)
    }

    /// The dependencies of a worker.
    package struct Tools: Sendable {
        let store: ImportStore
        let judge: ImportJudge
        let metadata: MetadataClient
        let batches: BatchStore
        let spool: ImportSpool
        let clock: any WallClock
        let ids: any IDSource

        package init(
            database: Database, metadata: MetadataClient, ratings: RatingsClient, scratchFolder: String,
            clock: any WallClock, ids: any IDSource, limits: ImportLimits = ImportLimits()
        ) {
            store = ImportStore(database: database, limits: limits)
            judge = ImportJudge(
                store: store, ledger: LedgerStore(database: database, ids: ids),
                shelves: ShelfStore(database: database),
                lists: ListStore(database: database, ids: ids), ratings: ratings)
            batches = BatchStore(database: database, ids: ids)
            spool = ImportSpool(store: store, folder: scratchFolder)
            self.metadata = metadata
            self.clock = clock
            self.ids = ids
        }
    }

    private let tools: Tools
    private let observe: @Sendable (Point) async -> Void
    /// Rings when there is work; ring it after a person's decision.
    package let bell = QueueBell()

    private var store: ImportStore { tools.store }
    private var limits: ImportLimits { tools.store.limits }
    private var applier: ImportApplier { ImportApplier(judge: tools.judge, metadata: tools.metadata) }

    package init(_ tools: Tools, observe: @escaping @Sendable (Point) async -> Void = { _ in }) {
        self.tools = tools
        self.observe = observe
    }

    /// Works until the task is cancelled, on one import at a time.
    package func run() async {
        while !Task.isCancelled {
            var claim: ImportClaim?
            do throws(StoreError) {
                claim = try await store.claim(until: .now + limits.stepTimeout)
            } catch {
                await observe(.troubled(nil, "\(error)"))
            }
            if let claim {
                await work(claim)
            } else {
                await bell.wait(atMost: limits.poll * Double.random(in: 0.75...1.25))
            }
        }
    }

    /// Advances an import until it rests or its state ends.
    package func work(_ claim: ImportClaim) async {
        await observe(.claimed(claim))
        do throws(ImportTrouble) {
            try await step(claim)
        } catch {
            await settle(error, claim)
        }
    }

    private func step(_ claim: ImportClaim) async throws(ImportTrouble) {
        switch claim.state {
        case .reading:
            let isRead = try await ImportReading(store: store, spool: tools.spool).run(claim)
            if !isRead { await observe(.failed(claim)) }
        case .matching: try await ImportMatching(store: store, metadata: tools.metadata).run(claim)
        case .judging: try await judge(claim)
        case .applying: try await apply(claim)
        case .receiving, .waiting, .ready, .applied, .cancelled, .failed: break
        }
    }

    private func settle(_ trouble: ImportTrouble, _ claim: ImportClaim) async {
        let deadline = ContinuousClock.now + limits.stepTimeout
        do throws(StoreError) {
            switch trouble {
            case .lost, .store(.cancelled): return
            case .store(.conflict(constraint: "person_deleted")): return
            case .refused(let why) where claim.state != .applying:
                try await store.fail(claim, why, until: deadline)
                await observe(.failed(claim))
            case .refused(let why), .unavailable(let why):
                await observe(.troubled(claim, why))
                try await again(claim, why, until: deadline)
            case .store(let error):
                await observe(.troubled(claim, "\(error)"))
                try await again(claim, "\(error)", until: deadline)
            }
        } catch {
            // The lease expires by itself.
            await observe(.troubled(claim, "\(error)"))
        }
    }

    /// Postpones a failed step or gives up; an import that has begun to be written is retried indefinitely.
    private func again(
        _ claim: ImportClaim, _ why: String, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        guard claim.failures + 1 < limits.failuresMax || claim.state == .applying else {
            try await store.fail(claim, "given up after \(claim.failures + 1) attempts", until: deadline)
            return await observe(.failed(claim))
        }
        let wait = min(limits.backoffMax, limits.backoffMin * (1 << min(claim.failures, 12)))
        try await store.postpone(claim, for: wait * Double.random(in: 0.5...1), until: deadline)
    }

    // MARK: Judging

    private func judge(_ claim: ImportClaim) async throws(ImportTrouble) {
        let aCase = try self.case(of: claim)
        // An import that applies itself is judged page by page as it is written: nobody reviews it in between.
        if !claim.appliesItself { try await judgePages(of: claim, aCase) }
        let bare = try await bareLists(of: claim)
        if !bare.isEmpty {
            let verdicts = try await tools.judge.judge(bare: bare, aCase, until: .now + limits.stepTimeout)
            try await hold(claim, done: nil, judged: nil, count: 0, verdicts)
        }
        let batch = claim.appliesItself ? BatchID(tools.ids.next()) : nil
        let isHeld = try await asking { () throws(StoreError) in
            try await store.enter(
                batch == nil ? .ready : .applying, claim, batch: batch, until: .now + limits.stepTimeout)
        }
        guard isHeld else { throw .lost }
    }

    private func judgePages(of claim: ImportClaim, _ aCase: ImportJudge.Case) async throws(ImportTrouble) {
        var key = claim.doneKey
        while true {
            let page = try await page(of: claim, after: key)
            guard let last = page.items.last?.key else { break }
            let (verdicts, _) = try await tools.judge.judge(page, aCase, until: .now + limits.stepTimeout)
            let isHeld = try await asking { () throws(StoreError) in
                try await store.advance(
                    claim, done: last, judged: nil, doneCount: page.items.count, verdicts,
                    until: .now + limits.stepTimeout)
            }
            guard isHeld else { throw .lost }
            key = last
        }
    }

    // MARK: Applying

    private func apply(_ claim: ImportClaim) async throws(ImportTrouble) {
        let aCase = try self.case(of: claim)
        guard let batch = claim.batch else { throw .lost }
        try await asking { () throws(StoreError) in
            let deadline = ContinuousClock.now + limits.stepTimeout
            try await tools.batches.open(
                batch, of: claim.user, source: aCase.source.rawValue, label: "import", as: .applying,
                at: tools.clock.now, asOf: claim.asOf, until: deadline)
        }
        // A batch that was undone while it was being written stays as it is.
        guard try await mayWrite(batch, claim.user, begins: true) else { return try await finish(claim, batch) }
        do throws(ImportTrouble) {
            if try await write(claim, batch, aCase) {
                let bare = try await bareLists(of: claim)
                _ = try await applier.write(
                    bare.map { NewList($0.row, at: aCase.at) }, aCase, until: .now + limits.stepTimeout)
            }
            try await finish(claim, batch)
        } catch {
            await endWrite(batch, claim.user)
            throw error
        }
        await endWrite(batch, claim.user)
    }

    /// Writes page after page; false if the batch is being undone meanwhile. While one page is written, the next one is
    /// read and judged, and its verdicts are stored.
    private func write(
        _ claim: ImportClaim, _ batch: BatchID, _ aCase: ImportJudge.Case
    ) async throws(ImportTrouble) -> Bool {
        var (done, judged) = (claim.doneKey, claim.judgedKey)
        // Titles that are written, and will be noted as done together with the verdicts on later ones.
        var unnoted = 0
        var next = try await pageAhead(of: claim, aCase, after: done, judged: judged).get()
        while let last = next.page.items.last?.key {
            if next.effects == nil {
                try await keep(&next, claim, aCase, judged: judged, Written(done: done, count: unnoted))
            }
            unnoted -= next.noted
            if ImportItemKey.precedes(judged, last) { judged = last }
            await observe(.judged(claim))
            guard try await mayWrite(batch, claim.user, begins: false) else { return false }
            if ContinuousClock.now - next.heldAt > limits.lease / 2 {
                try await hold(claim, done: nil, judged: nil, count: 0, [])
            }
            let (page, known, written) = (next.page, judged, Written(done: done, count: unnoted))
            async let ahead = pageAhead(of: claim, aCase, after: last, judged: known, beside: page, noting: written)
            if let effects = next.effects {
                let refused = try await applier.write(effects, aCase, batch)
                if !refused.isEmpty {
                    try await hold(claim, done: nil, judged: nil, count: 0, refused, isRepeatable: false)
                }
            }
            await observe(.written(claim))
            (done, unnoted) = (last, unnoted + page.items.count)
            next = try await ahead.get()
        }
        if unnoted > 0 { try await hold(claim, done: done, judged: nil, count: unnoted, []) }
        return true
    }

    private func finish(_ claim: ImportClaim, _ batch: BatchID) async throws(ImportTrouble) {
        let isHeld = try await asking { () throws(StoreError) in
            try await store.finish(claim, batch: batch, at: tools.clock.now, until: .now + limits.stepTimeout)
        }
        guard isHeld else { throw .lost }
    }

    private func mayWrite(
        _ batch: BatchID, _ user: UserID, begins: Bool
    ) async throws(ImportTrouble) -> Bool {
        try await asking { () throws(StoreError) in
            try await tools.batches.mayWrite(batch, of: user, begins: begins, until: .now + limits.stepTimeout)
        }
    }

    /// Ends a write; if the database refuses, it expires by itself.
    private func endWrite(_ batch: BatchID, _ user: UserID) async {
        // Also in a worker that stops: whoever undoes the batch waits for this.
        let (batches, limits) = (tools.batches, limits)
        await Task { try? await batches.endWrite(batch, of: user, until: .now + limits.stepTimeout) }.value
    }

    private func bareLists(of claim: ImportClaim) async throws(ImportTrouble) -> [(place: Int, row: ImportedRow)] {
        try await asking { () throws(StoreError) in
            try await store.bareLists(of: claim, until: .now + limits.stepTimeout)
        }
    }

    /// Why rows can no longer be corrected now that their import is applied; nil if they can be. Concerns all rows with
    /// the same title, or only the one at `place`.
    func refusal(
        ofCorrecting key: String, _ place: Int?, of id: ImportID, _ user: UserID
    ) async throws(ImportTrouble) -> String? {
        let deadline = ContinuousClock.now + limits.stepTimeout
        let (found, page) = try await asking { () throws(StoreError) in
            (
                try await store.facts(of: id, user, until: deadline),
                try await store.page(of: key, id, user, until: deadline)
            )
        }
        guard let facts = found, facts.state == .applied else { return nil }
        guard try await isInPlace(facts.batch, user, until: deadline) else {
            return "the import was undone: import the file again"
        }
        let rows = page.rows(of: key).filter { place == nil || $0.place == place }
        guard try await areWritten(rows, of: page, self.case(of: facts, id, user), until: deadline) else { return nil }
        return place == nil
            ? "what the rows say about this title is already written: undo the import and import the file again, or edit what it wrote"
            : "the row is already written: edit the play"
    }

    /// Whether anything from the rows was written or already here. If a rating was not taken because the one here is
    /// newer, the play of the same row still was.
    private func areWritten(
        _ rows: [ItemRow], of page: ImportPageOfItems, _ aCase: ImportJudge.Case,
        until deadline: ContinuousClock.Instant
    ) async throws(ImportTrouble) -> Bool {
        let written: [ImportVerdict] = [.new, .update, .same]
        if rows.contains(where: { row in row.verdict.map { written.contains($0) } ?? false }) { return true }
        let conflicts = rows.filter { $0.verdict == .conflict }
        guard !conflicts.isEmpty else { return false }
        let (_, effects) = try await tools.judge.judge(page, aCase, until: deadline)
        return conflicts.contains { row in
            effects.outdated.contains(row.place) || (effects.besides[row.place].map { written.contains($0) } ?? false)
        }
    }

    /// Whether a batch is applied, so that it may be extended.
    private func isInPlace(
        _ batch: BatchID?, _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(ImportTrouble) -> Bool {
        guard let batch else { return false }
        let stored = try await asking { () throws(StoreError) in
            try await tools.batches.batch(batch, of: user, until: deadline)
        }
        return stored?.state == .applied
    }

    /// Adopts a row that has become readable and matches its title; returns its new key.
    func adopt(
        _ row: ImportStore.NewRow, to id: ImportID, _ user: UserID
    ) async throws(ImportTrouble) -> String? {
        let key = try await asking { () throws(StoreError) in
            try await store.adopt(row, to: id, of: user, until: .now + limits.stepTimeout)
        }
        if let key { try await ImportMatching(store: store, metadata: tools.metadata).run(key, of: id, user) }
        return key
    }

    /// Withdraws a person's decision about a title, and matches it again.
    func forget(_ key: String, of id: ImportID, _ user: UserID) async throws(ImportTrouble) {
        try await asking { () throws(StoreError) in
            try await store.forget(key, of: id, user, until: .now + limits.stepTimeout)
        }
        try await ImportMatching(store: store, metadata: tools.metadata).run(key, of: id, user)
    }

    /// Judges a title's rows again and, if the import is applied, writes those that are not written yet.
    func judgeAgain(_ key: String, of id: ImportID, _ user: UserID) async throws(ImportTrouble) {
        let deadline = ContinuousClock.now + limits.stepTimeout
        let (found, read) = try await asking { () throws(StoreError) in
            (
                try await store.facts(of: id, user, until: deadline),
                try await store.page(of: key, id, user, until: deadline)
            )
        }
        guard let facts = found else { throw .lost }
        var page = read
        let aCase = self.case(of: facts, id, user)
        let isApplied = facts.state == .applied
        if isApplied { try await applier.nameUnknown(&page, aCase) }
        var (verdicts, effects) = try await tools.judge.judge(page, aCase, until: deadline)
        if isApplied {
            guard let batch = facts.batch, try await mayWrite(batch, user, begins: true) else {
                throw .lost
            }
            await observe(.correcting(id))
            var refused: [Int: RowVerdict] = [:]
            do throws(ImportTrouble) {
                for verdict in try await applier.write(effects, aCase, batch) { refused[verdict.place] = verdict }
                try await asking { () throws(StoreError) in
                    try await tools.batches.extend(batch, of: user, at: tools.clock.now, until: deadline)
                }
            } catch {
                await endWrite(batch, user)
                throw error
            }
            await endWrite(batch, user)
            // Rows that were written before keep their verdicts.
            let written = Set(
                page.rows(of: key).filter { [.new, .update].contains($0.verdict) }.map(\.place))
            verdicts = verdicts.compactMap { written.contains($0.place) ? nil : refused[$0.place] ?? $0 }
        }
        let news = verdicts
        try await asking { () throws(StoreError) in
            try await store.note(news, of: user, id, until: deadline)
            try await store.recount(id, of: user, at: tools.clock.now, until: deadline)
        }
    }

    private func hold(
        _ claim: ImportClaim, done: String?, judged: String?, count: Int, _ verdicts: [RowVerdict],
        isRepeatable: Bool = true
    ) async throws(ImportTrouble) {
        let isHeld = try await asking { () throws(StoreError) in
            try await store.advance(
                claim, done: done, judged: judged, doneCount: count, verdicts, isRepeatable: isRepeatable,
                until: .now + limits.stepTimeout)
        }
        guard isHeld else { throw .lost }
    }

    private func page(
        of claim: ImportClaim, after key: String, upTo last: String = ""
    ) async throws(ImportTrouble) -> ImportPageOfItems {
        try await asking { () throws(StoreError) in
            try await store.nextPage(of: claim, after: key, upTo: last, until: .now + limits.stepTimeout)
        }
    }

    /// Titles that are written but not yet noted, up to a key.
    private struct Written: Sendable {
        let done: String
        let count: Int
    }

    /// A page, with its effects once its verdicts are stored.
    private struct PageAhead: Sendable {
        let page: ImportPageOfItems
        var effects: ImportJudge.Effects?
        /// The number of titles of earlier pages that were noted as done with its verdicts.
        var noted = 0
        /// When the lease was renewed with its verdicts.
        var heldAt = ContinuousClock.now
    }

    /// The next page with all its titles and its verdicts stored, up to `judged` if those are stored already. If it
    /// shares a title with the page that is being written, it is judged only when that is done.
    private func pageAhead(
        of claim: ImportClaim, _ aCase: ImportJudge.Case, after key: String, judged: String,
        beside other: ImportPageOfItems? = nil, noting written: Written? = nil
    ) async -> Result<PageAhead, ImportTrouble> {
        do throws(ImportTrouble) {
            var page = try await page(of: claim, after: key, upTo: ImportItemKey.precedes(key, judged) ? judged : "")
            try await applier.nameUnknown(&page, aCase)
            var ahead = PageAhead(page: page)
            if !page.items.isEmpty, page.titles.isDisjoint(with: other?.titles ?? []) {
                try await keep(&ahead, claim, aCase, judged: judged, written ?? Written(done: key, count: 0))
            }
            return .success(ahead)
        } catch {
            return .failure(error)
        }
    }

    /// Judges a page and stores its verdicts, unless those of an earlier worker are in place.
    private func keep(
        _ ahead: inout PageAhead, _ claim: ImportClaim, _ aCase: ImportJudge.Case, judged: String, _ written: Written
    ) async throws(ImportTrouble) {
        guard let last = ahead.page.items.last?.key else { return }
        let (verdicts, effects) = try await tools.judge.judge(ahead.page, aCase, until: .now + limits.stepTimeout)
        let stands = !ImportItemKey.precedes(judged, last)
        ahead.heldAt = .now
        try await hold(
            claim, done: written.count > 0 ? written.done : nil, judged: stands ? nil : last, count: written.count,
            stands ? [] : verdicts, isRepeatable: effects.ratings.isEmpty)
        ahead.effects = effects
        ahead.noted = written.count
    }

    private func `case`(of claim: ImportClaim) throws(ImportTrouble) -> ImportJudge.Case {
        guard let source = claim.source else { throw .refused("the files do not belong to a known export") }
        return ImportJudge.Case(
            user: claim.user, id: claim.id, source: source, timeZone: claim.timeZone, at: claim.createdAt,
            asOf: claim.asOf, batch: claim.batch)
    }

    private func `case`(of facts: ImportFacts, _ id: ImportID, _ user: UserID) -> ImportJudge.Case {
        ImportJudge.Case(
            user: user, id: id, source: facts.source, timeZone: facts.timeZone, at: facts.createdAt, asOf: facts.asOf,
            batch: facts.batch)
    }

    private func asking<Value>(
        _ work: () async throws(StoreError) -> Value
    ) async throws(ImportTrouble) -> Value {
        do throws(StoreError) {
            return try await work()
        } catch {
            throw .store(error)
        }
    }
}
