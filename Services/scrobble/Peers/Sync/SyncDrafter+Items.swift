import Contracts
import Store

/// Facets that have a value per title.
extension SyncDrafter {
    func ratings(_ frame: Frame) async throws(SyncTrouble) -> SyncDraft {
        let version = try await neighbours.ratingsVersion(of: frame.run.user)
        var versions: [TitleID: Int64?] = [:]
        var draft = try await items(.ratings, frame, version, writtenBy: [.rate, .unrate]) { value in
            guard case .rating(let rating, let at, let about) = value else { return nil }
            return SyncValue(rating, at.map { SyncMoment(at: $0) } ?? about.map { SyncMoment(at: $0, isExact: false) })
        } ours: { () async throws(SyncTrouble) -> [OwnItem<Int>] in
            let ratings = try await neighbours.ratings(of: frame.run.user)
            versions = Dictionary(ratings.map { ($0.title, $0.version.map(Int64.init)) }) { first, _ in first }
            return ratings.map { rating in
                OwnItem(
                    kind: rating.kind, title: rating.title,
                    value: SyncValue(RemoteProjection.rating(rating.rating), SyncMoment(at: rating.ratedAt)))
            }
        }
        // A write here replaces exactly these ratings, or nothing.
        for place in draft.changes.indices where draft.changes[place].side == .ours {
            draft.changes[place].ourVersion = versions[draft.changes[place].title] ?? 0
        }
        return draft
    }

    /// The removed titles that are in fact rated under another id: after a merge the rating is not under the agreed id
    /// until `LedgerKeeper` has run, but nobody removed it. Ratings, which knows about the merge by then, answers under
    /// either id.
    private func movedRatings(_ draft: SyncDraft, _ frame: Frame) async throws(SyncTrouble) -> Set<TitleID> {
        let gone = draft.changes.filter { $0.side == .theirs && $0.becomes == nil }.map(\.title)
        var moved: Set<TitleID> = []
        for start in stride(from: 0, to: gone.count, by: store.limits.resolveMax) {
            let part = Array(gone[start..<min(start + store.limits.resolveMax, gone.count)])
            moved.formUnion(try await rated(part, of: frame.run.user))
        }
        return moved
    }

    /// Those of `titles` that are rated under any id. The answer does not say which of the requested ids a rating is
    /// for, so the request is halved until the answer is all or none.
    private func rated(_ titles: [TitleID], of user: UserID) async throws(SyncTrouble) -> Set<TitleID> {
        guard !titles.isEmpty else { return [] }
        let found = try await neighbours.ratings(of: user, titles)
        if found.isEmpty { return [] }
        if found.count == titles.count { return Set(titles) }
        let middle = titles.count / 2
        guard middle > 0 else { return Set(titles) }
        let first = try await rated(Array(titles[..<middle]), of: user)
        return first.union(try await rated(Array(titles[middle...]), of: user))
    }

    func watchlist(_ frame: Frame) async throws(SyncTrouble) -> SyncDraft {
        let version = try await version(of: .watchlist, frame)
        let actions: [JobAction] = [.addToWatchlist, .removeFromWatchlist]
        return try await items(.watchlist, frame, version, writtenBy: actions) { value in
            guard case .listed(let at, let status) = value else { return nil }
            return SyncValue(ListedValue(status), at.map { SyncMoment(at: $0) })
        } ours: { () async throws(SyncTrouble) in
            try await shelf(WatchlistDetails.self, frame) { details, kind in
                ListedValue(details.status, kind, at: frame.reader.shape)
            }
        }
    }

    func collection(_ frame: Frame) async throws(SyncTrouble) -> SyncDraft {
        let version = try await version(of: .collection, frame)
        let actions: [JobAction] = [.addToCollection, .removeFromCollection]
        return try await items(.collection, frame, version, writtenBy: actions) { value in
            guard case .collected(let details, let at) = value else { return nil }
            return SyncValue(CollectedValue(details), at.map { SyncMoment(at: $0) })
        } ours: { () async throws(SyncTrouble) in
            try await shelf(CollectionDetails.self, frame) { details, _ in CollectedValue(details) }
        }
    }

    func progress(_ frame: Frame) async throws(SyncTrouble) -> SyncDraft {
        let version = try await version(of: .progress, frame)
        return try await items(.progress, frame, version, writtenBy: []) { value in
            guard case .progress(let percent, let at) = value else { return nil }
            return ProgressValue(percent: percent).map { SyncValue($0, at.map { SyncMoment(at: $0) }) }
        } ours: { () async throws(SyncTrouble) in
            try await shelf(ProgressDetails.self, frame) { details, _ in ProgressValue(percent: details.percent) }
        }
    }

    // MARK: What they share

    /// A title with its value here.
    struct OwnItem<Value: SyncStorable>: Sendable {
        let kind: TitleKind
        let title: TitleID
        let value: SyncValue<Value>
    }

    private func version(of shelf: LedgerShelf, _ frame: Frame) async throws(SyncTrouble) -> Int64 {
        try await asking { () throws(StoreError) in
            try await store.version(of: shelf, frame.run.user, until: .now + Self.timeout)
        }
    }

    /// Everything on one of our shelves.
    private func shelf<Details: ShelvedDetails, Value: SyncStorable>(
        _ details: Details.Type, _ frame: Frame, value: (Details, TitleKind) -> Value?
    ) async throws(SyncTrouble) -> [OwnItem<Value>] {
        var found: [OwnItem<Value>] = []
        var place = ShelfCursor.newest
        while true {
            let page = try await asking { () throws(StoreError) in
                try await shelves.page(
                    of: frame.run.user, as: details, after: place, kinds: nil, limit: Self.shelfRows,
                    until: .now + Self.timeout)
            }
            for known in page {
                guard let value = value(known.item.details, known.item.kind) else { continue }
                found.append(
                    OwnItem(
                        kind: known.item.kind, title: known.item.title,
                        value: SyncValue(value, SyncMoment(at: known.item.at))))
            }
            guard page.count == Self.shelfRows, let last = page.last else { return found }
            place = ShelfCursor(at: last.item.at, title: last.item.title)
        }
    }

    private static let shelfRows = 1_000

    private func items<Value: SyncStorable>(
        _ facet: SyncFacet, _ frame: Frame, _ version: Int64, writtenBy actions: [JobAction],
        value: (RemoteValue) -> SyncValue<Value>?, ours: () async throws(SyncTrouble) -> [OwnItem<Value>]
    ) async throws(SyncTrouble) -> SyncDraft {
        let place = frame.places[facet]
        let stamps = stamps(facet, frame)
        let isWholeDue = isWholeDue(place, frame)
        let hasMoved = place?.ourVersion != version || stamps != place?.stamps || frame.isLifted(facet)
        guard isWholeDue || hasMoved || frame.run.confirms != nil else { return SyncDraft() }
        let own = try await ours()
        let base = try await asking { () throws(StoreError) in
            try await store.base(of: frame.lane, facet, until: .now + Self.timeout)
        }
        var draft = SyncDraft()
        var unsettled: Set<TitleKind> = []
        let moved = Set(
            frame.kinds(facet).filter { place == nil || stamps[$0.rawValue] != place?.stamps[$0.rawValue] })
        let isKept = frame.reader.shape.keepsOneDate && facet != .progress
        let readings = try await read(
            facet, frame.kinds(facet).filter { isKept || isWholeDue || moved.contains($0) }, frame)
        for kind in frame.kinds(facet) {
            let agreed = base.filter { $0.kind == kind }
            let mine = own.filter { $0.kind == kind }
            let isMoved = isKept || moved.contains(kind)
            let reading = readings[kind]
            var drafted = try await self.draft(
                facet, kind, reading, agreed, mine, place, isMoved: isMoved, writtenBy: actions, frame, value)
            if let sure = try await confirmed(reading, drafted.draft, facet, kind, from: nil, frame) {
                drafted = try await self.draft(
                    facet, kind, sure, agreed, mine, place, isMoved: isMoved, writtenBy: actions,
                    excusing: drafted.excused, frame, value)
            }
            if drafted.isUnsettled { unsettled.insert(kind) }
            draft.append(drafted.draft)
        }
        draft.places = [self.place(facet, place, stamps, version, unsettled, isWhole: isWholeDue, frame)]
        return draft
    }

    /// Drafts one kind of a facet from a reading, if one was needed.
    private func draft<Value: SyncStorable>(
        _ facet: SyncFacet, _ kind: TitleKind, _ reading: RemoteReading?, _ agreed: [BaseRow], _ mine: [OwnItem<Value>],
        _ place: SyncPlace?, isMoved: Bool, writtenBy actions: [JobAction], excusing known: Set<TitleID> = [],
        _ frame: Frame, _ value: (RemoteValue) -> SyncValue<Value>?
    ) async throws(SyncTrouble) -> (draft: SyncDraft, excused: Set<TitleID>, isUnsettled: Bool) {
        var snapshot = Snapshot<TitleValue<Value>>.changes([])
        if let reading {
            snapshot = try await self.snapshot(reading, kind, frame, isMoved: isMoved, agreed.count, value)
        }
        var excused = known
        if facet == .watchlist, frame.reader.shape.letsGoOfWatched {
            excused.formUnion(try await watched(kind, among: agreed, mine, snapshot, frame))
        }
        let drafting = FacetDraft(facet: facet, kind: kind, frame: frame, limits: store.limits)
        let ours = mine.map { TitleValue($0.title, $0.value.value, $0.value.moment) }
        let (first, isLagging) = drafting.draft(
            base: agreed, ours: ours, theirs: snapshot, inFlight: actions, excused: excused)
        var whole = first
        let moved = facet == .ratings ? try await movedRatings(first, frame) : []
        if !moved.isEmpty {
            // Draft again, because the brake has counted them.
            whole =
                drafting.draft(
                    base: agreed, ours: ours, theirs: snapshot, inFlight: actions, excused: excused, moved: moved
                ).draft
        }
        let told = try await withoutWatchedWishes(whole, facet, frame)
        let taken = try await withoutFirstRevivals(told, agreed, place, frame)
        let drafted = try await sifted(Self.withoutFirstWishes(taken, agreed), kind, reading, frame)
        return (drafted, excused, snapshot.isPartial || isLagging || drafted.isOpen)
    }

    /// Drops changes that would list an item as planned again which was on hold or dropped there before the sides met.
    private static func withoutFirstWishes(_ draft: SyncDraft, _ agreed: [BaseRow]) -> SyncDraft {
        func isWanted(_ text: String?) -> Bool? { text.flatMap { ListedValue(stored: $0) }?.isWanted }
        let met = Set(agreed.map(\.title))
        let kept = Set(
            draft.changes.filter {
                $0.facet == .watchlist && $0.side == .theirs && isWanted($0.was) == false
                    && isWanted($0.becomes) == true
                    && !met.contains($0.title)
            }.map(\.title))
        guard !kept.isEmpty else { return draft }
        var draft = draft
        draft.changes.removeAll { kept.contains($0.title) }
        draft.clashes.removeAll { kept.contains($0.title) }
        return draft
    }

    /// Likewise, an item that was on hold or dropped here before the sides met is not planned again because it is
    /// planned there: both stay as they are until somebody changes one of them.
    private func withoutFirstRevivals(
        _ draft: SyncDraft, _ agreed: [BaseRow], _ place: SyncPlace?, _ frame: Frame
    ) async throws(SyncTrouble) -> SyncDraft {
        let wish = ListedValue().stored
        let settled = Set(agreed.map(\.title)).union(frame.chosen.filter { $0.facet == .watchlist }.map(\.title))
        let wished = draft.changes.filter {
            $0.facet == .watchlist && $0.side == .ours && $0.becomes == wish && !settled.contains($0.title)
        }
        guard !wished.isEmpty else { return draft }
        let known = try await asking { () throws(StoreError) in
            try await shelves.known(
                wished.map(\.title), of: frame.run.user, as: WatchlistDetails.self, until: .now + Self.timeout)
        }
        let revivals = wished.filter { change in
            guard let here = known[change.title], here.removedAt == nil, here.item.details.status != .planToWatch else {
                return false
            }
            guard let place else { return true }
            // If they hold what we have, both were weighed already. Otherwise only a later listing is news.
            return change.was == nil && !(change.at.map { $0 > max(here.item.at, place.wholeAt) } ?? false)
        }
        guard !revivals.isEmpty else { return draft }
        let titles = Set(revivals.map(\.title))
        var draft = draft
        draft.changes.removeAll { titles.contains($0.title) }
        draft.clashes.removeAll { titles.contains($0.title) }
        draft.base += revivals.map {
            BaseRow(
                facet: .watchlist, item: $0.title.uuid, title: $0.title, kind: $0.kind, value: $0.becomes,
                isApart: true, apart: $0.was)
        }
        return draft
    }

    /// Where a title has one state, planning it removes it from what was watched, which this very run may be reporting:
    /// what was watched here is not planned there.
    private func withoutWatchedWishes(
        _ draft: SyncDraft, _ facet: SyncFacet, _ frame: Frame
    ) async throws(SyncTrouble) -> SyncDraft {
        guard facet == .watchlist, frame.reader.shape.keepsOneDate else { return draft }
        let wish = ListedValue().stored
        let wished = draft.changes.filter { $0.side == .theirs && $0.becomes == wish }.map(\.title)
        guard !wished.isEmpty else { return draft }
        let watched = try await asking { () throws(StoreError) in
            try await store.watchedHere(wished, by: frame.run.user, until: .now + Self.timeout)
        }
        var draft = draft
        draft.changes.removeAll { $0.side == .theirs && $0.becomes == wish && watched.contains($0.title) }
        return draft
    }

    /// Drops what the other side is not to be told, and what its silence does not prove.
    private func sifted(
        _ draft: SyncDraft, _ kind: TitleKind, _ reading: RemoteReading?, _ frame: Frame
    ) async throws(SyncTrouble) -> SyncDraft {
        var draft = draft
        draft.changes.removeAll { frame.reader.shape.keeps($0) }
        guard let reading else { return draft }
        if let seen = reading.seen, draft.changes.contains(where: { $0.side == .ours && $0.becomes == nil }) {
            let known = try await asking { () throws(StoreError) in
                try await store.titles(kind, seen, at: frame.run.provider, until: .now + Self.timeout)
            }
            let titles = Set(known.values)
            draft.changes.removeAll { $0.side == .ours && $0.becomes == nil && !titles.contains($0.title) }
        }
        let wish = ListedValue().stored
        for (items, isMeant) in [
            (reading.elsewhere, { $0 == wish }), (reading.finished, { $0 != nil && $0 != wish }),
            (reading.tied, { $0 == nil }),
        ] as [([RemoteItem], (String?) -> Bool)] {
            guard !items.isEmpty, draft.changes.contains(where: { $0.side == .theirs && isMeant($0.becomes) }) else {
                continue
            }
            let rows = items.map { RemoteRow(item: $0, value: .listed(at: nil)) }
            let taken = Set(try await titles(of: rows, kind, frame).known.values)
            draft.changes.removeAll { $0.side == .theirs && isMeant($0.becomes) && taken.contains($0.title) }
        }
        return draft
    }

    private func snapshot<Value: SyncStorable>(
        _ reading: RemoteReading, _ kind: TitleKind, _ frame: Frame, isMoved: Bool, _ agreedCount: Int,
        _ value: (RemoteValue) -> SyncValue<Value>?
    ) async throws(SyncTrouble) -> Snapshot<TitleValue<Value>> {
        let (known, unknown) = try await titles(of: reading.rows, kind, frame)
        let rows = reading.rows.compactMap { row -> TitleValue<Value>? in
            guard let title = known[row.item.number], let value = value(row.value) else { return nil }
            return TitleValue(title, value.value, value.moment)
        }
        // A row that matches no title may be any of ours.
        guard unknown == 0, reading.unreadable == 0 else { return .partial(rows) }
        return reading.tally.snapshot(rows, isMoved: isMoved, agreedCount: agreedCount)
    }

    // MARK: What leaves the watchlist by itself

    /// The titles gone from their watchlist that were watched there meanwhile: with a play that is new to us, or was
    /// dated after the listing, or was agreed on after the listing was.
    private func watched<Value: SyncStorable>(
        _ kind: TitleKind, among agreed: [BaseRow], _ ours: [OwnItem<Value>], _ theirs: Snapshot<TitleValue<Value>>,
        _ frame: Frame
    ) async throws(SyncTrouble) -> Set<TitleID> {
        guard case .absent = theirs.unshown else { return [] }
        let shown = Set(theirs.rows.map(\.title))
        let listed = Dictionary(ours.map { ($0.title, $0.value.moment?.at) }) { first, _ in first }
        var gone: [TitleID: BaseRow] = [:]
        // A title that was on hold or dropped does not leave when it is watched again.
        for row in agreed where row.value == ListedValue().stored && !row.isLetGo && !shown.contains(row.title) {
            if listed[row.title] != nil { gone[row.title] = row }
        }
        guard !gone.isEmpty else { return [] }
        let history = try await asking { () throws(StoreError) in
            try await store.base(of: frame.lane, .history, until: .now + Self.timeout)
        }
        let met = Dictionary(history.compactMap { row in row.theirs.map { ($0, row.writtenAt) } }) { first, _ in first }
        let played: TitleKind = kind == .movie ? .movie : .episode
        guard let reading = try await read(.history, [played], frame)[played] else { return [] }
        let meant = try await titles(kind, playedBy: reading.rows, frame)
        var watched: Set<TitleID> = []
        for (row, title) in zip(reading.rows, meant) {
            guard let title, let wasListed = gone[title], case .play(let id, let at) = row.value else { continue }
            let isNew = met[id].map { written in (written ?? frame.now) >= (wasListed.writtenAt ?? frame.now) } ?? true
            let listedAt = listed[title].flatMap(\.self) ?? frame.now
            if isNew || at.map({ $0 >= listedAt.advanced(by: .seconds(-86_400)) }) ?? false { watched.insert(title) }
        }
        return watched
    }

    /// The title of that kind that each play was of: the film itself, or the show, season or episode.
    private func titles(
        _ kind: TitleKind, playedBy rows: [RemoteRow], _ frame: Frame
    ) async throws(SyncTrouble) -> [TitleID?] {
        switch kind {
        case .movie, .episode:
            let known = try await titles(of: rows, kind, frame).known
            return rows.map { known[$0.item.number] }
        case .series:
            let shows = rows.map { row -> RemoteRow? in
                guard let ids = row.item.series, let number = ids.trakt ?? ids.simkl else { return nil }
                let show = RemoteItem(
                    kind: .series, number: Int64(number), ids: ids, name: row.item.seriesName, year: row.item.seriesYear
                )
                return RemoteRow(item: show, value: row.value)
            }
            let known = try await titles(of: shows.compactMap(\.self), .series, frame).known
            return shows.map { $0.flatMap { known[$0.item.number] } }
        case .season:
            let queries = rows.map { row in
                TitleQuery(
                    kind: .season, ids: ExternalIds(), seriesIds: row.item.series, seriesName: row.item.seriesName,
                    seriesYear: row.item.seriesYear, seasonNumber: row.item.season)
            }
            var known: [TitleQuery: TitleID] = [:]
            let wanted = Array(Set(queries))
            for start in stride(from: 0, to: wanted.count, by: store.limits.resolveMax) {
                let part = Array(wanted[start..<min(start + store.limits.resolveMax, wanted.count)])
                for (query, title) in zip(part, try await neighbours.titles(part)) { known[query] = title }
            }
            return queries.map { known[$0] }
        }
    }
}
