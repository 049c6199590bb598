package import Contracts
package import JSON

/// What the rows of one title add up to: the right plays, one rating, one place on each shelf.
///
/// Pure. Each effect names the row that it is attributed to; rows that add nothing to another are part of that one.
package struct ImportPlan: Sendable, Hashable {
    package struct Play: Sendable, Hashable {
        package let row: Int
        package let moment: Moment
        package let percent: Double?
        /// The play's key at its source.
        package let key: String
        package var note: Note
    }

    /// A moment as given in a file; the person's time zone decides on which day an instant was.
    package enum Moment: Sendable, Hashable {
        case second(Timestamp)
        case minute(Timestamp)
        case day(CalendarDate)
        case unknown
    }

    /// What a person wrote about a play.
    package struct Note: Sendable, Hashable {
        package var isRewatch = false
        package var tags: [String] = []
        package var rating: DecimalTenths?
        package var review: String?
        package var html: String?
        package var spoiler = false
        /// The parts that the file covers: one of these that is empty does not exist; the others are unknown to the
        /// file.
        package var told: Parts

        package init(told: Parts = .all) { self.told = told }

        package var isEmpty: Bool { self == Note(told: told) }

        /// Whether any of the told parts is different in `other`.
        package func differs(from other: Note) -> Bool {
            told.contains(.rewatch) && isRewatch != other.isRewatch || told.contains(.tags) && tags != other.tags
                || told.contains(.rating) && rating != other.rating
                || told.contains(.review) && review != other.review
                || told.contains(.spoiler) && spoiler != other.spoiler
        }

        /// Parts of a note, as stored in `play_notes.parts`.
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
        /// The day that starts at `at`, if only the day is known.
        package var day: CalendarDate?
        /// Whether the file calls it the current rating.
        package var isPresent = false
        /// The version of the existing rating that it replaces, regardless of its date.
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
    /// Rows that are part of another row, and which one that is.
    package private(set) var parts: [Int: Int] = [:]
    /// Rows that cannot be accepted, and why.
    package private(set) var refused: [Int: String] = [:]

    /// `rows` are those of one title, in order, each with its place.
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

    /// A review with a day belongs to that day's play in the diary, or is a play of its own if there is none.
    private mutating func take(review row: ImportedRow, _ place: Int) {
        guard let day = row.watchedOn else { return }
        let note = Note(row, withReview: true)
        // The entry itself if both files name it, otherwise the day's first one without a review.
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

    /// The key of every title that was watched at some time.
    package static let watchedKey = "watched"

    private mutating func take(watched row: ImportedRow, _ place: Int) {
        if let play = plays.first {
            // Its text is placed along with the reviews without a day.
            if row.text == nil || row.text == play.note.review { parts[place] = play.row }
            return
        }
        // The same title under two names, or twice in one file, still was only watched at some time.
        var note = Note(told: row.text == nil ? [] : .review)
        note.review = row.text
        note.html = row.html
        plays.append(Play(row: place, moment: Moment(row), percent: nil, key: Self.watchedKey, note: note))
    }

    /// Takes what the file calls the current rating, otherwise the rating of the latest play that has one, and its
    /// review. In a file that states everything itself, nothing follows from plays.
    private mutating func takeRatings(_ rows: [(place: Int, row: ImportedRow)], isLiteral: Bool) {
        let ratings = rows.filter { $0.row.kind == .rating && $0.row.rating != nil }
        let latest = ratings.max { ($0.row.datedAt ?? .past, -$0.place) < ($1.row.datedAt ?? .past, -$1.place) }
        if let latest, let value = latest.row.rating {
            rating = Rating(
                row: latest.place, rating: value, given: latest.row.given, review: latest.row.text,
                spoiler: latest.row.spoiler ?? false, at: latest.row.datedAt, isPresent: true)
            for other in ratings where other.place != latest.place { parts[other.place] = latest.place }
        } else if let told = rows.first(where: { $0.row.titleRating != nil }), let value = told.row.titleRating {
            // Such a file contains nothing about the title itself.
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
        // The latest review of a play counts as the review of the title.
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

    /// A review without a day goes with the rating, or with a play that has no review.
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
                // Anyone who reviews a title has watched it at some time.
                plays.append(
                    Play(row: place, moment: .unknown, percent: nil, key: row.key ?? "reviewed", note: note))
            } else {
                refused[place] = "another review already takes its place"
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

    /// Its position in an order by time; unknown moments come first.
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

    /// Adds what another row says about the same play.
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
    /// Returns the parts that a row covers. Empty columns say that there are no tags, and no rating of the play.
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
