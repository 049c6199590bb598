import Contracts
import JSON
import RPC
import Store

/// The effects of some titles' rows, and what each would come to. Nothing is written.
struct ImportJudge: Sendable {
    let store: ImportStore
    let ledger: LedgerStore
    let shelves: ShelfStore
    let lists: ListStore
    let ratings: RatingsClient

    /// Whose rows are looked at, and on whose behalf they will be written.
    struct Case: Sendable {
        let user: UserID
        let id: ImportID
        let source: ImportSource
        let timeZone: String
        /// The import's own moment: what is read again is written with the same date.
        let at: Timestamp
        /// When the files were written, where they say so.
        let asOf: Timestamp?
        let batch: BatchID?

        var writer: LedgerWriter {
            LedgerWriter(user: user, source: source.rawValue, batch: batch, at: at, authority: .file)
        }
    }

    /// The effects of a page, with the titles that they are for.
    struct Effects: Sendable {
        struct OnTitle<Effect: Sendable>: Sendable {
            let title: MeantTitle
            var effect: Effect
        }

        var plays: [OnTitle<ImportPlan.Play>] = []
        /// The plays as the ledger takes them, in the same order.
        var incoming: [IncomingPlay] = []
        var ratings: [OnTitle<ImportPlan.Rating>] = []
        /// What rows with a rating come to without it; those that bring nothing else are not in it.
        var besides: [Int: ImportVerdict] = [:]
        /// Rows that say no more of what stands beside a play; what does is written whether it is known or not.
        var emptied: Set<Int> = []
        /// Rows of plays that are here, of which newer files have said something else.
        var outdated: Set<Int> = []
        /// What rows that change what stands beside a play rated it before.
        var ratedBefore: [Int: DecimalTenths] = [:]
        /// Whether newer files of the same source have been brought in; asked only where something would be replaced.
        var isOvertaken: Bool?
        var watchlist: [OnTitle<ImportPlan.Shelved>] = []
        var likes: [OnTitle<ImportPlan.Shelved>] = []
        var collection: [OnTitle<ImportPlan.Shelved>] = []
        var progress: [OnTitle<ImportPlan.Shelved>] = []
        var listed: [OnTitle<ImportPlan.Listed>] = []
        /// The lists by what the file calls them, with a row that tells of each.
        var lists: [String: ImportedRow] = [:]
    }

    /// What a page of titles comes to: a verdict for each row, and the effects of those with a title.
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
        // A worker that goes on after another finds what that one wrote and told as new.
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

    /// Ratings that are no news are left out of the effects.
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
        // The latest first: the others of the same title, which a file may call by two names, are held against it.
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
        // Last: what the row brings besides its rating is not in the way of that.
        for row in effects.outdated { outcomes.note(.older, row: row) }
    }

    /// A rating of a day is of that day's start where its person lives: there it shows as that day, and a click of the same
    /// day is newer.
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

    /// What the ledger is given of a page that was judged.
    func arrival(of effects: Effects, _ aCase: Case) -> LedgerStore.Arrival {
        LedgerStore.Arrival(
            user: aCase.user, timeZone: aCase.timeZone, batch: aCase.batch, at: aCase.at, isByHand: false,
            plays: effects.incoming, telling: false,
            moving: aCase.source == .letterboxd && effects.isOvertaken != true)
    }

    /// Plays as the ledger takes them; on which days instants were is the person's time zone's to say.
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

    /// What has no name of its own where it comes from is told apart by its title; what we have written ourselves names the
    /// play by its id, in whatever form of file.
    private static func source(of play: ImportPlan.Play, _ title: TitleID, _ aCase: Case) -> PlaySource {
        if PlayID(play.key) != nil { return PlaySource(name: ImportSource.reelay.rawValue, key: play.key) }
        let isNameless = play.moment == .unknown || play.key == ImportPlan.watchedKey
        let key = isNameless ? "\(play.key) \(title)" : play.key
        return PlaySource(name: aCase.source.rawValue, key: key)
    }

    /// Titles are in a page whole, so that parts do not have to know of each other.
    private func judgeInParts(
        _ arrival: LedgerStore.Arrival, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [PlayVerdict] {
        var verdicts: [PlayVerdict] = []
        for part in arrival.parts { verdicts += try await ledger.judge(part, until: deadline) }
        return verdicts
    }

    /// What lists without titles come to.
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
    /// As many plays at a time as the ledger takes.
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
    /// What its rows come to while nobody knows its title.
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
        case .pending, .unknown, .known: "no title here has this id or name; applied, it is kept under its own name"
        }
    }
}

extension NewList {
    /// The list that a row speaks of.
    init(_ row: ImportedRow, at moment: Timestamp) {
        self.init(
            name: row.listName ?? row.list ?? row.file, description: row.listNote, isRanked: row.listRanked ?? true,
            createdAt: min(row.listMadeAt ?? row.datedAt ?? moment, moment), sourceKey: row.list ?? row.file)
    }
}

extension ImportSource {
    /// Whether its files date nothing more exactly than to the day.
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
    /// Only what is watched in one go has plays.
    fileprivate var hasPlays: Bool { kind == .movie || kind == .episode }
}

extension ImportPlan.Play {
    /// Why nothing of it is kept where a title has no plays of its own.
    fileprivate func reasonWithoutPlace(_ isRated: Bool) -> String {
        if note.review == nil { return "a show or a season is watched by its episodes" }
        return isRated
            ? "another review stands in its place"
            : "a show or a season that is not rated has no place for a review: rate it and bring the file in again"
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

    /// Notes on shelves are short.
    static func note(_ text: String) -> String {
        var note = text
        while note.utf8.count > 2_000 { note.removeLast() }
        return note
    }
}
