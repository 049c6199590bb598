import Contracts

/// A title, and the person who looks at it.
struct PersonTitle: Sendable, Hashable {
    let user: UserID
    let title: TitleID
}

/// What a service returned, with its version and when it was requested. Held by reference: a film is passed on in every
/// answer, and a copy would retain each of its parts.
final class Told<Value: Sendable>: Sendable {
    let version: String
    let value: Value
    let askedAt: ContinuousClock.Instant

    init(version: String, value: Value, askedAt: ContinuousClock.Instant) {
        self.version = version
        self.value = value
        self.askedAt = askedAt
    }
}

/// What the services returned for films a short while ago. It is used only where it is still current: either nothing at
/// all was written since, or the services are asked for what is new.
struct FilmBook: Sendable {
    /// The number of films, and of films of people, that are kept for certain; twice as many at most.
    static let filmsMax = 512
    /// The longest overview or review that is kept, in bytes of UTF-8; longer ones are returned each time.
    static let textBytesMax = 4_096
    /// How long something is reused, whatever its version. Asking anew tells metadata that somebody looks at the title,
    /// and drops what a database held before it was restored.
    static let life = Duration.seconds(60)

    private var titles = Part<TitleID, Title>()
    private var ratings = Part<PersonTitle, Rating?>()
    private var states = Part<PersonTitle, TitleState>()

    /// Returns what is known of some films at a moment.
    mutating func facts(of wanted: [PersonTitle], at now: ContinuousClock.Instant) -> ToldFilms {
        ToldFilms(
            titles: titles.told(of: Set(wanted.map(\.title)), at: now), ratings: ratings.told(of: wanted, at: now),
            states: states.told(of: wanted, at: now))
    }

    /// Keeps what services returned.
    mutating func keep(_ told: ToldFilms) {
        titles.keep(told.titles) { asked, title in !title.hasMoves(from: asked) && Self.isShort(title.overview) }
        ratings.keep(told.ratings) { _, rating in Self.isShort(rating?.review) }
        states.keep(told.states) { _, _ in true }
    }

    private static func isShort(_ text: String?) -> Bool { (text?.utf8.count ?? 0) <= textBytesMax }

    /// What one service returned.
    private struct Part<Key: Hashable & Sendable, Value: Sendable>: Sendable {
        private struct Kept: Sendable {
            let told: Told<Value>
            /// The edition of the data that it is of; nil if the service did not say.
            let edition: Int?
        }

        private var kept = Recent<Key, Kept>(countMax: filmsMax)
        /// The last version of the data, and a number for it, which is faster to compare.
        private var latest: (version: String, edition: Int)?

        mutating func told(of keys: some Collection<Key>, at now: ContinuousClock.Instant) -> ToldPart<Key, Value> {
            var part = ToldPart<Key, Value>(data: latest?.version)
            part.values.reserveCapacity(keys.count)
            for key in keys {
                guard let one = kept.value(for: key), one.told.askedAt.duration(to: now) < life else {
                    part.data = nil
                    continue
                }
                part.values[key] = one.told
                if one.edition != latest?.edition { part.data = nil }
            }
            return part
        }

        /// Keeps what the service returned if it was asked. A title lists for a day what was merged into it, and that
        /// ends without a change: `isKept` tells what may be kept.
        mutating func keep(_ part: ToldPart<Key, Value>, if isKept: (Key, Value) -> Bool) {
            guard part.isAnswered else { return }
            if let data = part.data, data != latest?.version { latest = (data, (latest?.edition ?? 0) + 1) }
            let edition = part.data == nil ? nil : latest?.edition
            for (key, told) in part.values where isKept(key, told.value) {
                kept.keep(Kept(told: told, edition: edition), for: key)
            }
        }
    }
}

/// What is known of some films from one service.
struct ToldPart<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    var values: [Key: Told<Value>] = [:]
    /// The version of the data that all values are of; nil if it is not one, or a value is missing.
    var data: String?
    /// Whether the values are what the service has just returned or confirmed.
    private(set) var isAnswered = false

    subscript(_ key: Key) -> Told<Value>? {
        get { values[key] }
        set { values[key] = newValue }
    }

    /// Notes that the service has answered from this version of the data.
    mutating func answered(_ data: String?) { (self.data, isAnswered) = (data, true) }
}

/// What is known of some films: the title, each person's rating of it, and its state for the person.
struct ToldFilms: Sendable {
    var titles = ToldPart<TitleID, Title>()
    var ratings = ToldPart<PersonTitle, Rating?>()
    var states = ToldPart<PersonTitle, TitleState>()

    /// The version of the data that all of it is of; nil if it is not one, or something is missing.
    var data: String? { titles.data == ratings.data && ratings.data == states.data ? titles.data : nil }

    private struct Asker: Hashable {
        let user: UserID
        let known: String?
    }

    /// Returns one request per person and version.
    static func questions<Value>(
        _ wanted: [PersonTitle], _ told: ToldPart<PersonTitle, Value>
    ) -> [PersonTitles] {
        var places: [Asker: Int] = [:]
        var questions: [PersonTitles] = []
        for film in wanted {
            let asker = Asker(user: film.user, known: told[film]?.version)
            if let place = places[asker] {
                questions[place].titles.append(film.title)
            } else {
                places[asker] = questions.count
                questions.append(PersonTitles(user: film.user, titles: [film.title], known: asker.known))
            }
        }
        return questions
    }

    /// Adds the titles that were returned; those that nobody knows any more are removed.
    mutating func take(_ answer: VersionedTitles, askedAt moment: ContinuousClock.Instant) {
        let known = titles.values
        titles.values = [:]
        for one in answer.found {
            titles[one.asked] =
                one.title.map { Told(version: one.version, value: $0, askedAt: moment) } ?? known[one.asked]
        }
        titles.answered(answer.data)
    }

    /// Adds the ratings that were returned for each of the requests.
    mutating func take(
        _ answer: RatingsOfPeople, to questions: [PersonTitles], askedAt moment: ContinuousClock.Instant
    ) {
        for (question, answer) in zip(questions, answer.people) {
            guard let ratings = answer.ratings else { continue }
            let found = Dictionary(ratings.map { ($0.asked, $0.rating) }) { first, _ in first }
            for title in question.titles {
                self.ratings[PersonTitle(user: question.user, title: title)] = Told(
                    version: answer.version, value: found[title], askedAt: moment)
            }
        }
        ratings.answered(answer.data)
    }

    /// Adds the states that were returned for each of the requests.
    mutating func take(
        _ answer: StatesOfPeople, to questions: [PersonTitles], askedAt moment: ContinuousClock.Instant
    ) {
        for (question, answer) in zip(questions, answer.people) {
            guard let states = answer.states else { continue }
            for (title, state) in zip(question.titles, states) where state.title == title {
                self.states[PersonTitle(user: question.user, title: title)] = Told(
                    version: answer.version, value: state, askedAt: moment)
            }
        }
        states.answered(answer.data)
    }
}
