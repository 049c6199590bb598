import Contracts
import RPC
import Store

/// Writes the effects of a page of titles. Safe to repeat: every write is identified by its key, its date or its batch,
/// so a second one changes nothing.
struct ImportApplier: Sendable {
    let judge: ImportJudge
    let metadata: MetadataClient

    private var store: ImportStore { judge.store }

    /// Keeps items without a known title under their own names; metadata asks the providers about them.
    func nameUnknown(_ page: inout ImportPageOfItems, _ aCase: ImportJudge.Case) async throws(ImportTrouble) {
        let unknown = page.items.indices.filter { page.items[$0].match == .unknown }
        guard !unknown.isEmpty else { return }
        let results = try await ImportMatching.resolve(
            unknown.map { page.items[$0].query }, missing: .create, metadata, store.limits)
        var matches: [(key: String, match: ItemMatch, title: MeantTitle?)] = []
        for (index, result) in zip(unknown, results) {
            switch result.state {
            case .known, .created:
                guard let title = result.title else { continue }
                page.items[index].match = .known
                page.items[index].title = MeantTitle(title)
            case .ambiguous: page.items[index].match = .ambiguous
            case .unknown, .empty: continue
            }
            matches.append((page.items[index].key, page.items[index].match, page.items[index].title))
        }
        let found = matches
        try await asking { () throws(StoreError) in
            try await store.note(found, of: aCase.user, aCase.id, until: .now + store.limits.stepTimeout)
        }
    }

    /// Writes the effects; returns the verdicts of rows whose ratings were not taken. All other rows keep their
    /// verdicts.
    func write(
        _ effects: ImportJudge.Effects, _ aCase: ImportJudge.Case, _ batch: BatchID
    ) async throws(ImportTrouble) -> [RowVerdict] {
        let deadline = ContinuousClock.now + store.limits.stepTimeout
        // Write edited ratings first: the edit is recognized by comparison with the play's note, and once that is
        // written a worker that resumes could no longer tell.
        let written: [RowVerdict]?
        if effects.ratings.contains(where: { $0.effect.replaces != nil }) {
            written = try await writeRatings(effects, aCase, batch)
        } else {
            written = nil
        }
        // Ratings are kept by another service.
        async let rated = ratings(effects, aCase, batch, written)
        try await writePlays(effects, aCase, batch, until: deadline)
        try await asking { () throws(StoreError) in
            let writer = aCase.writer
            _ = try await judge.shelves.put(effects.watchlistItems(aCase.at), by: writer, until: deadline)
            _ = try await judge.shelves.put(effects.likedItems(aCase.at), by: writer, until: deadline)
            _ = try await judge.shelves.put(effects.collectedItems(aCase.at), by: writer, until: deadline)
            _ = try await judge.shelves.put(effects.begunItems(aCase.at), by: writer, until: deadline)
        }
        try await writeLists(effects, aCase, until: deadline)
        return try await rated.get()
    }

    private func ratings(
        _ effects: ImportJudge.Effects, _ aCase: ImportJudge.Case, _ batch: BatchID, _ written: [RowVerdict]?
    ) async -> Result<[RowVerdict], ImportTrouble> {
        if let written { return .success(written) }
        do throws(ImportTrouble) {
            return .success(try await writeRatings(effects, aCase, batch))
        } catch {
            return .failure(error)
        }
    }

    private func writePlays(
        _ effects: ImportJudge.Effects, _ aCase: ImportJudge.Case, _ batch: BatchID,
        until deadline: ContinuousClock.Instant
    ) async throws(ImportTrouble) {
        let arrival = judge.arrival(of: effects, aCase)
        var verdicts: [PlayVerdict] = []
        for part in arrival.parts {
            verdicts += try await asking { () throws(StoreError) in
                try await judge.ledger.add(part, isRepeatable: true, until: deadline)
            }
        }
        var notes: [PlayID: ImportPlan.Note] = [:]
        for (play, verdict) in zip(effects.plays, verdicts) {
            guard !play.effect.note.isEmpty || effects.emptied.contains(play.effect.row) else { continue }
            // A removed play keeps its note.
            if case .removed = verdict { continue }
            // The file was exported here: the play's note is the one in the file, or newer.
            if PlayID(play.effect.key) == verdict.play { continue }
            if notes[verdict.play] == nil { notes[verdict.play] = play.effect.note }
        }
        let written = notes.map { (play: $0.key, note: $0.value) }
        try await asking { () throws(StoreError) in
            try await store.putNotes(
                written, of: aCase.user, from: aCase.source.rawValue, in: batch, at: aCase.at,
                mayReplace: effects.isOvertaken != true, until: deadline)
        }
    }

    private func writeLists(
        _ effects: ImportJudge.Effects, _ aCase: ImportJudge.Case, until deadline: ContinuousClock.Instant
    ) async throws(ImportTrouble) {
        guard !effects.listed.isEmpty else { return }
        let named = effects.lists.sorted { $0.key < $1.key }
        let put = try await write(named.map { NewList($0.value, at: aCase.at) }, aCase, until: deadline)
        let ids = Dictionary(zip(named.map(\.key), put)) { first, _ in first }
        for (key, listed) in Dictionary(grouping: effects.listed, by: \.effect.list).sorted(by: { $0.key < $1.key }) {
            guard let list = ids[key], list.outcome != .removedByYou else { continue }
            let items = listed.map {
                ShelfItem(
                    title: $0.title.id, kind: $0.title.kind, at: $0.effect.at ?? aCase.at,
                    details: ListItemDetails(
                        note: $0.effect.note.map(ImportJudge.Effects.note), rank: $0.effect.rank))
            }
            _ = try await asking { () throws(StoreError) in
                try await judge.lists.put(items, on: list.id, by: aCase.writer, until: deadline)
            }
        }
    }

    /// Creates lists or finds them again; returns one result per list.
    func write(
        _ lists: [NewList], _ aCase: ImportJudge.Case, until deadline: ContinuousClock.Instant
    ) async throws(ImportTrouble) -> [ListStore.PutList] {
        let put = try await asking { () throws(StoreError) in
            try await judge.lists.put(lists, by: aCase.writer, until: deadline)
        }
        guard let put else { throw .refused("there are more than \(LedgerLimits.listsMax) lists") }
        return put
    }

    private func writeRatings(
        _ effects: ImportJudge.Effects, _ aCase: ImportJudge.Case, _ batch: BatchID
    ) async throws(ImportTrouble) -> [RowVerdict] {
        // A rating edited at its source replaces only the version it was compared with; its date is the same.
        let newer = effects.ratings.filter { $0.effect.replaces == nil }
        let edited = effects.ratings.filter { $0.effect.replaces != nil }
        return try await write(newer, onlyNewer: true, effects, aCase, batch)
            + write(edited, onlyNewer: false, effects, aCase, batch)
    }

    private func write(
        _ ratings: [ImportJudge.Effects.OnTitle<ImportPlan.Rating>], onlyNewer: Bool, _ effects: ImportJudge.Effects,
        _ aCase: ImportJudge.Case, _ batch: BatchID
    ) async throws(ImportTrouble) -> [RowVerdict] {
        var refused: [RowVerdict] = []
        let items = ratings.map { rating in
            RatingWrite(
                title: rating.title.id, kind: rating.title.kind, rating: rating.effect.rating,
                review: rating.effect.review, spoiler: rating.effect.review == nil ? nil : rating.effect.spoiler,
                ratedAt: rating.effect.at ?? aCase.at, given: rating.effect.given,
                expectedVersion: rating.effect.replaces)
        }
        for part in RatingParts.cut(items) {
            let outcomes: [WriteOutcome]
            do throws(RPCError) {
                outcomes = try await judge.ratings.writeRatings(
                    WriteRatingsParams(
                        user: aCase.user, items: Array(part),
                        source: aCase.source == .letterboxd ? .letterboxd : .import, batch: batch,
                        onlyNewer: onlyNewer),
                    RPCCall.within(store.limits.stepTimeout)
                ).outcomes
            } catch {
                throw .unavailable("ratings: \(error.message)")
            }
            guard outcomes.count == part.count else { throw .unavailable("ratings: not every rating got an answer") }
            for (rating, outcome) in zip(ratings[part.indices], outcomes) {
                let row = rating.effect.row
                let told = ImportVerdicts.refusal(of: outcome, besides: effects.besides[row])
                if let told { refused.append(RowVerdict(place: row, verdict: told.verdict, reason: told.reason)) }
            }
        }
        return refused
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
