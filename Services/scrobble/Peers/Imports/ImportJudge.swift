import Contracts
import JSON
import RPC
import Store

/// Judges the rows of titles: their effects, and a verdict for each row. Writes nothing.
struct ImportJudge: Sendable {
    let store: ImportStore
    let ledger: LedgerStore
    let shelves: ShelfStore
    let lists: ListStore
    let ratings: RatingsClient

    /// Whose rows are judged, and on whose behalf they will be written.
    struct Case: Sendable {
        let user: UserID
        let id: ImportID
        let source: ImportSource
        let timeZone: String
        /// The import's own time, so that repeated writes have the same date.
        let at: Timestamp
        /// When the files were written, if they say so.
        let asOf: Timestamp?
        let batch: BatchID?

        var writer: LedgerWriter {
            LedgerWriter(user: user, source: source.rawValue, batch: batch, at: at, authority: .file)
        }
    }

    /// The effects of a page, each with its title.
    struct Effects: Sendable {
        struct OnTitle<Effect: Sendable>: Sendable {
            let title: MeantTitle
            var effect: Effect
        }

        var plays: [OnTitle<ImportPlan.Play>] = []
        /// The plays in the ledger's form, in the same order.
        var incoming: [IncomingPlay] = []
        var ratings: [OnTitle<ImportPlan.Rating>] = []
        /// The verdicts of rows with a rating, leaving the rating aside; rows that bring nothing else are absent.
        var besides: [Int: ImportVerdict] = [:]
        /// Rows that no longer have a note for their play; notes are written whether they are known or not.
        var emptied: Set<Int> = []
        /// Rows of plays that are here, about which newer files say something else.
        var outdated: Set<Int> = []
        /// The previous rating of plays whose note a row changes, by row.
        var ratedBefore: [Int: DecimalTenths] = [:]
        /// Whether newer files of the same source have been imported; looked up only if something would be replaced.
        var isOvertaken: Bool?
        var watchlist: [OnTitle<ImportPlan.Shelved>] = []
        var likes: [OnTitle<ImportPlan.Shelved>] = []
        var collection: [OnTitle<ImportPlan.Shelved>] = []
        var progress: [OnTitle<ImportPlan.Shelved>] = []
        var listed: [OnTitle<ImportPlan.Listed>] = []
        /// The lists by their names in the file, each with a row about it.
        var lists: [String: ImportedRow] = [:]
    }

    /// Returns a verdict for each row of a page, and the effects of those with a title.
    func judge(
        _ page: ImportPageOfItems, _ aCase: Case, until deadline: ContinuousClock.Instant
    ) async throws(ImportTrouble) -> (verdicts: [RowVerdict], effects: Effects) {
        var verdicts: [RowVerdict] = []
        var effects = Effects()
        var planned: [(rows: [(place: Int, row: ImportedRow)], plan: ImportPlan)] = []
        var outcomes = ImportVerdicts()
        for item in page.items {
            let rows = page.rows(of: item.key).map { (place: $0.place, row: $0.row) }
            guard let title = item.title else {
                verdicts += rows.map { RowVerdict(place: $0.place, verdict: item.verdict, reason: item.reason) }
                continue
            }
            let plan = ImportPlan(rows)
            planned.append((rows, plan))
            effects.add(plan, title, rows)
            if !title.hasPlays {
                for play in plan.plays { outcomes.show(play.row, because: play.reasonWithoutPlace(plan.rating != nil)) }
            }
        }
        try await weigh(&effects, aCase, &outcomes, until: deadline)
        // A worker that resumes finds what its predecessor wrote and reported as new.
        for row in page.items.flatMap({ page.rows(of: $0.key) }) where row.verdict == .new {
            if effects.besides[row.place] == .same { effects.besides[row.place] = .new }
        }
        for (rows, plan) in planned {
            verdicts += outcomes.all(rows, plan).map {
                RowVerdict(place: $0.place, verdict: $0.verdict, reason: $0.reason)
            }
        }
        return (verdicts, effects)
    }

    /// Judges the effects, and drops the ratings that change nothing.
    private func weigh(
        _ effects: inout Effects, _ aCase: Case, _ outcomes: inout ImportVerdicts,
        until deadline: ContinuousClock.Instant
    ) async throws(ImportTrouble) {
        effects.incoming = try await incoming(effects.plays, aCase, until: deadline)
        let arrival = arrival(of: effects, aCase)
        let (found, watchlist, likes, collection, progress) = try await asking { () throws(StoreError) in
            (
                try await judgeInParts(arrival, until: deadline),
                try await shelves.judge(effects.watchlistItems(aCase.at), by: aCase.writer, until: deadline),
                try await shelves.judge(effects.likedItems(aCase.at), by: aCase.writer, until: deadline),
                try await shelves.judge(effects.collectedItems(aCase.at), by: aCase.writer, until: deadline),
                try await shelves.judge(effects.begunItems(aCase.at), by: aCase.writer, until: deadline)
            )
        }
        let plays = try await settled(found, &effects, aCase, until: deadline)
        for (play, verdict) in zip(effects.plays, plays) { outcomes.note(verdict.outcome, row: play.effect.row) }
        try await weigh(notes: &effects, plays, aCase, &outcomes, until: deadline)
        note(effects.watchlist, watchlist, &outcomes)
        note(effects.likes, likes, &outcomes)
        note(effects.collection, collection, &outcomes)
        note(effects.progress, progress, &outcomes)
        try await weigh(lists: effects, aCase, &outcomes, until: deadline)
        try await date(&effects.ratings, aCase, until: deadline)
        var known = try await ratings(of: effects.ratings.map(\.title.id), aCase.user)
        // The latest first: others of the same title, which a file may give two names, are compared with it.
        let dates = effects.ratings.map { $0.effect.at ?? .past }
        var news: Set<Int> = []
        for index in dates.indices.sorted(by: { (dates[$0], $0) > (dates[$1], $1) }) {
            let (title, rating) = (effects.ratings[index].title, effects.ratings[index].effect)
            effects.besides[rating.row] = outcomes.verdict(of: rating.row)
            var outcome = RatingComparison.outcome(of: rating, against: known[title.id])
            if outcome == .older, let there = known[title.id],
                let version = try await edited(rating, there, &effects, aCase, until: deadline)
            {
                outcome = .update
                effects.ratings[index].effect.replaces = version
                effects.ratings[index].effect.at = there.ratedAt
            }
            outcomes.note(outcome, row: rating.row)
            guard outcome == .new || outcome == .update else { continue }
            news.insert(index)
            let at = rating.at ?? aCase.at
            known[title.id] = Rating(
                title: title.id, kind: title.kind, rating: rating.rating, review: rating.review,
                spoiler: rating.spoiler, ratedAt: at, updatedAt: at)
        }
        effects.ratings = effects.ratings.enumerated().filter { news.contains($0.offset) }.map(\.element)
        // Last, so that `besides` leaves it out.
        for row in effects.outdated { outcomes.note(.older, row: row) }
    }

    /// Dates the rating of a day at the start of that day where the person lives: it shows as that day, and a click on
    /// the same day is newer.
    private func date(
        _ ratings: inout [Effects.OnTitle<ImportPlan.Rating>], _ aCase: Case, until deadline: ContinuousClock.Instant
    ) async throws(ImportTrouble) {
        if aCase.source.tellsDaysOnly {
            for index in ratings.indices {
                guard let at = ratings[index].effect.at, at == Timestamp(at.date) else { continue }
                ratings[index].effect.day = at.date
            }
        }
        let days = Array(Set(ratings.compactMap(\.effect.day)))
        let begun = try await asking { () throws(StoreError) in
            try await ledger.starts(of: days, in: aCase.timeZone, until: deadline)
        }
        let starts = Dictionary(zip(days, begun)) { first, _ in first }
        for index in ratings.indices {
            let rating = ratings[index].effect
            let at = rating.day.flatMap { starts[$0] } ?? rating.at
            // Nobody rates in the future.
            ratings[index].effect.at = at.map { min($0, aCase.at) }
        }
    }

    /// The plays of a judged page as an arrival at the ledger.
    func arrival(of effects: Effects, _ aCase: Case) -> LedgerStore.Arrival {
        LedgerStore.Arrival(
            user: aCase.user, timeZone: aCase.timeZone, batch: aCase.batch, at: aCase.at, isByHand: false,
            plays: effects.incoming, telling: false,
            moving: aCase.source == .letterboxd && effects.isOvertaken != true)
    }

    /// Converts plays to the ledger's form; the person's time zone determines the days of instants.
    private func incoming(
        _ plays: [Effects.OnTitle<ImportPlan.Play>], _ aCase: Case, until deadline: ContinuousClock.Instant
    ) async throws(ImportTrouble) -> [IncomingPlay] {
        let instants = plays.compactMap { play -> Timestamp? in
            switch play.effect.moment {
            case .second(let at), .minute(let at): at
            case .day, .unknown: nil
            }
        }
        let days = try await asking { () throws(StoreError) in
            try await ledger.days(of: instants, in: aCase.timeZone, until: deadline)
        }
        var rest = days[...]
        return plays.map { play in
            let moment: PlayMoment =
                switch play.effect.moment {
                case .second(let at): .second(at, day: rest.popFirst() ?? at.date)
                case .minute(let at): .minute(at, day: rest.popFirst() ?? at.date)
                case .day(let day): .day(day)
                case .unknown: .unknown
                }
            return IncomingPlay(
                title: play.title.id, kind: play.title.kind, moment: moment, percent: play.effect.percent,
                runtimeMinutes: nil,
                source: Self.source(of: play.effect, play.title.id, aCase),
                episode: play.title.kind == .episode ? play.title.place : nil)
        }
    }

    /// A play without an identity at its source is identified by its title; our own exports, in any format, name the
    /// play by its id.
    private static func source(of play: ImportPlan.Play, _ title: TitleID, _ aCase: Case) -> PlaySource {
        if PlayID(play.key) != nil { return PlaySource(name: ImportSource.reelay.rawValue, key: play.key) }
        let isNameless = play.moment == .unknown || play.key == ImportPlan.watchedKey
        let key = isNameless ? "\(play.key) \(title)" : play.key
        return PlaySource(name: aCase.source.rawValue, key: key)
    }

    /// A page holds whole titles, so that its parts are independent of each other.
    private func judgeInParts(
        _ arrival: LedgerStore.Arrival, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [PlayVerdict] {
        var verdicts: [PlayVerdict] = []
        for part in arrival.parts { verdicts += try await ledger.judge(part, until: deadline) }
        return verdicts
    }

    /// Returns verdicts for lists without titles.
    func judge(
        bare lists: [(place: Int, row: ImportedRow)], _ aCase: Case, until deadline: ContinuousClock.Instant
    ) async throws(ImportTrouble) -> [RowVerdict] {
        let outcomes = try await asking { () throws(StoreError) in
            try await self.lists.judge(lists.map { NewList($0.row, at: aCase.at) }, by: aCase.writer, until: deadline)
        }
        return zip(lists, outcomes).map { list, outcome in
            var verdicts = ImportVerdicts()
            verdicts.note(outcome.asImported, row: list.place)
            return RowVerdict(place: list.place, verdict: verdicts.verdict(of: list.place) ?? .same, reason: nil)
        }
    }

    private func weigh(
        lists effects: Effects, _ aCase: Case, _ outcomes: inout ImportVerdicts,
        until deadline: ContinuousClock.Instant
    ) async throws(ImportTrouble) {
        guard !effects.listed.isEmpty else { return }
        let keys = Array(Set(effects.listed.map(\.effect.list)))
        let titles = Array(Set(effects.listed.map(\.title.id)))
        let known = try await asking { () throws(StoreError) in
            try await store.listed(titles, on: keys, of: aCase.user, from: aCase.source.rawValue, until: deadline)
        }
        for listed in effects.listed {
            let there = known[KnownListing.Key(list: listed.effect.list, title: listed.title.id)]
            outcomes.note(
                there.map { $0.isRemoved ? .removedByYou : .same } ?? .new, row: listed.effect.row)
        }
    }

    private func ratings(
        of titles: [TitleID], _ user: UserID
    ) async throws(ImportTrouble) -> [TitleID: Rating] {
        var known: [TitleID: Rating] = [:]
        let titles = Array(Set(titles))
        for start in stride(from: 0, to: titles.count, by: store.limits.titlesAtOnce) {
            let part = Array(titles[start..<min(start + store.limits.titlesAtOnce, titles.count)])
            do throws(RPCError) {
                let found = try await ratings.ratings(of: part, by: user, RPCCall.within(store.limits.stepTimeout))
                for rating in found { known[rating.title] = rating }
            } catch {
                throw .unavailable("ratings: \(error.message)")
            }
        }
        return known
    }

    private func note(
        _ items: [Effects.OnTitle<ImportPlan.Shelved>], _ found: [LedgerOutcome], _ outcomes: inout ImportVerdicts
    ) {
        for (item, outcome) in zip(items, found) { outcomes.note(outcome.asImported, row: item.effect.row) }
    }

    func asking<Value>(
        _ work: () async throws(StoreError) -> Value
    ) async throws(ImportTrouble) -> Value {
        do throws(StoreError) {
            return try await work()
        } catch {
            throw .store(error)
        }
    }
}

extension LedgerStore.Arrival {
    /// Parts with as many plays as the ledger accepts at a time.
    var parts: [LedgerStore.Arrival] {
        stride(from: 0, to: plays.count, by: LedgerLimits.itemsMax).map { start in
            LedgerStore.Arrival(
                user: user, timeZone: timeZone, batch: batch, at: at, isByHand: isByHand,
                plays: Array(plays[start..<min(start + LedgerLimits.itemsMax, plays.count)]), telling: telling,
                moving: moving)
        }
    }
}

extension StoredItem {
    /// The verdict on its rows while its title is unknown.
    fileprivate var verdict: ImportVerdict {
        switch match {
        case .skipped: .skipped
        case .ambiguous: .ambiguous
        case .pending, .unknown, .known: .unmatched
        }
    }

    fileprivate var reason: String? {
        switch match {
        case .skipped: "left out by you"
        case .ambiguous: "several titles fit equally well"
        case .pending, .unknown, .known: "no title here has this id or name; if applied, it is kept under its own name"
        }
    }
}

extension NewList {
    /// The list that a row describes.
    init(_ row: ImportedRow, at moment: Timestamp) {
        self.init(
            name: row.listName ?? row.list ?? row.file, description: row.listNote, isRanked: row.listRanked ?? true,
            createdAt: min(row.listMadeAt ?? row.datedAt ?? moment, moment), sourceKey: row.list ?? row.file)
    }
}

extension ImportSource {
    /// Whether the times in its files are no more precise than a day.
    fileprivate var tellsDaysOnly: Bool { self == .letterboxd || self == .imdb }
}

extension PlayVerdict {
    fileprivate var outcome: ImportVerdicts.Outcome {
        switch self {
        case .new: .new
        case .moved: .update
        case .same, .known: .same
        case .removed: .removedByYou
        }
    }
}

extension LedgerOutcome {
    fileprivate var asImported: ImportVerdicts.Outcome {
        switch self {
        case .created: .new
        case .updated: .update
        case .same, .repeated, .absent, .removed: .same
        case .older: .older
        case .removedByYou: .removedByYou
        }
    }
}

extension MeantTitle {
    /// Only what is watched in one sitting has plays.
    fileprivate var hasPlays: Bool { kind == .movie || kind == .episode }
}

extension ImportPlan.Play {
    /// Why none of it is kept for a title that has no plays of its own.
    fileprivate func reasonWithoutPlace(_ isRated: Bool) -> String {
        if note.review == nil { return "a show or a season is watched through its episodes" }
        return isRated
            ? "another review already takes its place"
            : "a show or a season that is not rated has no place for a review: rate it and import the file again"
    }
}

extension ImportJudge.Effects {
    fileprivate mutating func add(
        _ plan: ImportPlan, _ title: MeantTitle, _ rows: [(place: Int, row: ImportedRow)]
    ) {
        if title.hasPlays {
            plays += plan.plays.map { OnTitle(title: title, effect: $0) }
        }
        if title.hasPlays, let item = plan.progress, item.percent != nil {
            progress.append(OnTitle(title: title, effect: item))
        }
        if let rating = plan.rating { ratings.append(OnTitle(title: title, effect: rating)) }
        if let item = plan.watchlist { watchlist.append(OnTitle(title: title, effect: item)) }
        if let item = plan.like { likes.append(OnTitle(title: title, effect: item)) }
        if let item = plan.collection { collection.append(OnTitle(title: title, effect: item)) }
        for item in plan.listed {
            listed.append(OnTitle(title: title, effect: item))
            if lists[item.list] == nil { lists[item.list] = rows.first { $0.place == item.row }?.row }
        }
    }

    func watchlistItems(_ moment: Timestamp) -> [ShelfItem<WatchlistDetails>] {
        watchlist.map {
            ShelfItem(
                title: $0.title.id, kind: $0.title.kind, at: $0.effect.at ?? moment,
                details: WatchlistDetails(
                    note: $0.effect.note.map(Self.note), status: $0.effect.status ?? .planToWatch))
        }
    }

    func likedItems(_ moment: Timestamp) -> [ShelfItem<LikeDetails>] {
        likes.map {
            ShelfItem(
                title: $0.title.id, kind: $0.title.kind, at: $0.effect.at ?? moment, details: LikeDetails())
        }
    }

    func collectedItems(_ moment: Timestamp) -> [ShelfItem<CollectionDetails>] {
        collection.map {
            ShelfItem(
                title: $0.title.id, kind: $0.title.kind, at: $0.effect.at ?? moment,
                details: CollectionDetails($0.effect.media))
        }
    }

    func begunItems(_ moment: Timestamp) -> [ShelfItem<ProgressDetails>] {
        progress.map {
            ShelfItem(
                title: $0.title.id, kind: $0.title.kind, at: $0.effect.at ?? moment,
                details: ProgressDetails(percent: $0.effect.percent ?? 0))
        }
    }

    /// Shortens a note to what shelves accept.
    static func note(_ text: String) -> String {
        var note = text
        while note.utf8.count > 2_000 { note.removeLast() }
        return note
    }
}
