package import Contracts
package import JSON

/// What the rows of one title ask for, taken together: the right plays, one rating, one place on each shelf.
///
/// Pure. Each effect names the row that it is attributed to; rows that say nothing beyond another are part of that one.
package struct ImportPlan: Sendable, Hashable {
    package struct Play: Sendable, Hashable {
        package let row: Int
        package let moment: Moment
        package let percent: Double?
        /// What the play is called where it comes from.
        package let key: String
        package var note: Note
    }

    /// A moment as a file tells it; on which day an instant was is for the person's time zone to say.
    package enum Moment: Sendable, Hashable {
        case second(Timestamp)
        case minute(Timestamp)
        case day(CalendarDate)
        case unknown
    }

    /// What a person wrote beside a play.
    package struct Note: Sendable, Hashable {
        package var isRewatch = false
        package var tags: [String] = []
        package var rating: DecimalTenths?
        package var review: String?
        package var html: String?
        package var spoiler = false
        /// What the file speaks of: where it says nothing of these, there is nothing; the rest it does not know.
        package var told: Parts

        package init(told: Parts = .all) { self.told = told }

        package var isEmpty: Bool { self == Note(told: told) }

        /// Whether something that is told is something else in another note.
        package func differs(from other: Note) -> Bool {
            told.contains(.rewatch) && isRewatch != other.isRewatch || told.contains(.tags) && tags != other.tags
                || told.contains(.rating) && rating != other.rating
                || told.contains(.review) && review != other.review
                || told.contains(.spoiler) && spoiler != other.spoiler
        }

        /// Parts of a note, as they stand in `play_notes.parts`.
        package struct Parts: OptionSet, Sendable, Hashable {
            package let rawValue: Int32

            package init(rawValue: Int32) { self.rawValue = rawValue }

            package static let rewatch = Parts(rawValue: 1)
            package static let tags = Parts(rawValue: 2)
            package static let rating = Parts(rawValue: 4)
            package static let review = Parts(rawValue: 8)
            package static let spoiler = Parts(rawValue: 16)
            package static let all: Parts = [.rewatch, .tags, .rating, .review, .spoiler]
        }
    }

    package struct Rating: Sendable, Hashable {
        package let row: Int
        package let rating: DecimalTenths
        package let given: GivenRating?
        package var review: String?
        package var spoiler: Bool
        package var at: Timestamp?
        /// The day that `at` begins, where no more than that is known.
        package var day: CalendarDate?
        /// Whether the file calls it the present one.
        package var isPresent = false
        /// The version of the rating here that it replaces, whatever its date.
        package var replaces: Int?
    }

    /// A place on the watchlist, among the likes, in the collection, or within a title.
    package struct Shelved: Sendable, Hashable {
        package let row: Int
        package let at: Timestamp?
        package let note: String?
        package let media: MediaDetails?
        package let percent: Double?
        package let status: WishStatus?
    }

    package struct Listed: Sendable, Hashable {
        package let row: Int
        package let list: String
        package let rank: Int?
        package let note: String?
        package let at: Timestamp?
    }

    package private(set) var plays: [Play] = []
    package private(set) var rating: Rating?
    package private(set) var watchlist: Shelved?
    package private(set) var like: Shelved?
    package private(set) var collection: Shelved?
    package private(set) var progress: Shelved?
    package private(set) var listed: [Listed] = []
    /// Rows that are part of another, and which one that is.
    package private(set) var parts: [Int: Int] = [:]
    /// Rows that cannot be taken, and why.
    package private(set) var refused: [Int: String] = [:]

    /// `rows` are those of one title, in their order, each with its place.
    package init(_ rows: [(place: Int, row: ImportedRow)]) {
        for (place, row) in rows where row.kind == .play { take(play: row, place) }
        for (place, row) in rows where row.kind == .review { take(review: row, place) }
        for (place, row) in rows where row.kind == .watched { take(watched: row, place) }
        takeRatings(rows, isLiteral: rows.contains { LosslessReader.wrote($0.row) })
        for (place, row) in rows {
            switch row.kind {
            case .watchlist: shelve(\.watchlist, row, place)
            case .like: shelve(\.like, row, place)
            case .collection: shelve(\.collection, row, place)
            case .progress: shelve(\.progress, row, place)
            case .listItem: list(row, place)
            case .play, .review, .watched, .rating, .list, .shown: break
            }
        }
        takeUndatedReviews(rows)
    }

    private mutating func take(play row: ImportedRow, _ place: Int) {
        let key = row.key ?? "\(row.file) \(row.line)"
        if let twin = plays.first(where: { $0.key == key }) {
            parts[place] = twin.row
            return
        }
        plays.append(
            Play(row: place, moment: Moment(row), percent: row.percent, key: key, note: Note(row, withReview: false)))
    }

    /// A review with a day is that day's play; without one that is in the diary, a play of its own.
    private mutating func take(review row: ImportedRow, _ place: Int) {
        guard let day = row.watchedOn else { return }
        let note = Note(row, withReview: true)
        // The entry itself where both files name it, else the day's first that has no review yet.
        let entry =
            plays.indices.first { plays[$0].key == row.key }
            ?? plays.indices.first { plays[$0].moment == .day(day) && plays[$0].note.review == nil }
        guard let entry else {
            let key = row.key ?? "\(row.file) \(row.line)"
            plays.append(Play(row: place, moment: .day(day), percent: nil, key: key, note: note))
            return
        }
        plays[entry].note.add(note)
        parts[place] = plays[entry].row
    }

    /// What calls every title that was watched at some time.
    package static let watchedKey = "watched"

    private mutating func take(watched row: ImportedRow, _ place: Int) {
        if let play = plays.first {
            // What is said of it is placed with the reviews that have no day.
            if row.text == nil || row.text == play.note.review { parts[place] = play.row }
            return
        }
        // The same title under two names or twice in one file has still been watched at some time only.
        var note = Note(told: row.text == nil ? [] : .review)
        note.review = row.text
        note.html = row.html
        plays.append(Play(row: place, moment: Moment(row), percent: nil, key: Self.watchedKey, note: note))
    }

    /// What the file calls the present rating; else the rating of the latest play that has one, and its review. In a file
    /// that says everything itself, nothing follows from plays.
    private mutating func takeRatings(_ rows: [(place: Int, row: ImportedRow)], isLiteral: Bool) {
        let ratings = rows.filter { $0.row.kind == .rating && $0.row.rating != nil }
        let latest = ratings.max { ($0.row.datedAt ?? .past, -$0.place) < ($1.row.datedAt ?? .past, -$1.place) }
        if let latest, let value = latest.row.rating {
            rating = Rating(
                row: latest.place, rating: value, given: latest.row.given, review: latest.row.text,
                spoiler: latest.row.spoiler ?? false, at: latest.row.datedAt, isPresent: true)
            for other in ratings where other.place != latest.place { parts[other.place] = latest.place }
        } else if let told = rows.first(where: { $0.row.titleRating != nil }), let value = told.row.titleRating {
            // What is said of the title itself is not in such a file.
            rating = Rating(
                row: parts[told.place] ?? told.place, rating: value, given: nil, review: nil, spoiler: false, at: nil)
            return refuseUnrated(rows)
        } else if !isLiteral {
            let rated = rows.filter { _, row in
                row.rating != nil && row.ofPlay != true
                    && (row.kind == .play || row.kind == .review || row.kind == .watched)
            }
            let last = rated.max { (Moment($0.row).order, -$0.place) < (Moment($1.row).order, -$1.place) }
            if let last, let value = last.row.rating {
                rating = Rating(
                    row: parts[last.place] ?? last.place, rating: value, given: last.row.given, review: nil,
                    spoiler: false,
                    at: last.row.datedAt ?? last.row.watchedOn.map(Timestamp.init) ?? last.row.watchedAt,
                    day: last.row.datedAt == nil ? last.row.watchedOn : nil)
            }
        }
        refuseUnrated(rows)
        guard rating != nil, rating?.review == nil, !isLiteral else { return }
        // The latest review of a play is what is said of the title.
        if let reviewed = plays.filter({ $0.note.review != nil }).max(by: { $0.moment.order < $1.moment.order }) {
            rating?.review = reviewed.note.review
            rating?.spoiler = reviewed.note.spoiler
        }
    }

    private mutating func refuseUnrated(_ rows: [(place: Int, row: ImportedRow)]) {
        for (place, row) in rows where row.kind == .rating && row.rating == nil {
            refused[place] = "the row has no rating"
        }
    }

    /// A review without a day goes with the rating, or with a play that has none.
    private mutating func takeUndatedReviews(_ rows: [(place: Int, row: ImportedRow)]) {
        let undated = rows.filter { place, row in
            row.kind == .review && row.watchedOn == nil
                || row.kind == .watched && row.text != nil && parts[place] == nil && !plays.contains { $0.row == place }
        }
        for (place, row) in undated {
            let note = Note(row, withReview: true)
            if rating != nil, rating?.review == nil || rating?.review == note.review {
                rating?.review = note.review
                rating?.spoiler = note.spoiler
                parts[place] = rating?.row
            } else if let value = note.rating, rating == nil {
                rating = Rating(
                    row: place, rating: value, given: row.given, review: note.review, spoiler: note.spoiler,
                    at: row.datedAt)
            } else if let bare = plays.lastIndex(where: { $0.note.review == nil }) {
                plays[bare].note.add(note)
                parts[place] = plays[bare].row
            } else if plays.isEmpty {
                // Whoever reviews a title has watched it at some time.
                plays.append(
                    Play(row: place, moment: .unknown, percent: nil, key: row.key ?? "reviewed", note: note))
            } else {
                refused[place] = "another review stands in its place"
            }
        }
    }

    private mutating func shelve(
        _ shelf: WritableKeyPath<ImportPlan, Shelved?>, _ row: ImportedRow, _ place: Int
    ) {
        if let other = self[keyPath: shelf] {
            parts[place] = other.row
        } else {
            self[keyPath: shelf] = Shelved(
                row: place, at: row.datedAt, note: row.text, media: row.media, percent: row.percent,
                status: row.status)
        }
    }

    private mutating func list(_ row: ImportedRow, _ place: Int) {
        let name = row.list ?? row.file
        if let other = listed.first(where: { $0.list == name }) {
            parts[place] = other.row
        } else {
            listed.append(Listed(row: place, list: name, rank: row.rank, note: row.text, at: row.datedAt))
        }
    }
}

extension ImportPlan.Moment {
    init(_ row: ImportedRow) {
        if let at = row.watchedAt {
            self = row.precision == .minute ? .minute(at) : .second(at)
        } else if let day = row.watchedOn {
            self = .day(day)
        } else {
            self = .unknown
        }
    }

    /// Where it stands among others; the unknown ones first.
    var order: Timestamp {
        switch self {
        case .second(let at), .minute(let at): at
        case .day(let day): Timestamp(day)
        case .unknown: .past
        }
    }
}

extension ImportPlan.Note {
    init(_ row: ImportedRow, withReview: Bool) {
        self.init(told: Parts(of: row))
        isRewatch = row.rewatch ?? false
        tags = row.tags ?? []
        rating = row.rating
        if withReview || row.kind == .play {
            review = row.text
            html = row.html
            spoiler = row.spoiler ?? false
        }
    }

    /// What another row says of the same play.
    mutating func add(_ other: ImportPlan.Note) {
        told.formUnion(other.told)
        isRewatch = isRewatch || other.isRewatch
        tags += other.tags.filter { !tags.contains($0) }
        rating = rating ?? other.rating
        guard review == nil else { return }
        review = other.review
        html = other.html
        spoiler = other.spoiler
    }
}

extension ImportPlan.Note.Parts {
    /// What a row speaks of. Tags that are none, and a rating of the play that is none, are said by columns that are empty.
    fileprivate init(of row: ImportedRow) {
        self = LosslessReader.wrote(row) ? .all : []
        if row.rewatch != nil { insert(.rewatch) }
        if row.tags != nil { insert(.tags) }
        if row.rating != nil || row.ofPlay == true { insert(.rating) }
        if row.text != nil || row.kind == .review { insert(.review) }
        if row.spoiler != nil { insert(.spoiler) }
    }
}

extension Timestamp {
    static let past = Timestamp(clampingMicrosecondsSinceEpoch: .min)
}
