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

/// What the services returned for films a short while ago. They are asked each time whether that version is still
/// current, and return what is new.
struct FilmBook: Sendable {
    /// The number of films, and of films of people, that are kept for certain; twice as many at most.
    static let filmsMax = 512
    /// The longest overview or review that is kept, in bytes of UTF-8; longer ones are returned each time.
    static let textBytesMax = 4_096
    /// How long something is reused, whatever its version. Asking anew tells metadata that somebody looks at the title,
    /// and drops what a database held before it was restored.
    static let life = Duration.seconds(60)

    private var titles = Recent<TitleID, Told<Title>>(countMax: filmsMax)
    private var ratings = Recent<PersonTitle, Told<Rating?>>(countMax: filmsMax)
    private var states = Recent<PersonTitle, Told<TitleState>>(countMax: filmsMax)

    /// Returns what is known of some films at a moment.
    mutating func facts(of wanted: [PersonTitle], at now: ContinuousClock.Instant) -> ToldFilms {
        var told = ToldFilms()
        for film in wanted {
            if told.titles[film.title] == nil {
                told.titles[film.title] = Self.fresh(titles.value(for: film.title), at: now)
            }
            told.ratings[film] = Self.fresh(ratings.value(for: film), at: now)
            told.states[film] = Self.fresh(states.value(for: film), at: now)
        }
        return told
    }

    /// Keeps what was requested at `moment`; anything older is kept already.
    mutating func keep(_ told: ToldFilms, askedAt moment: ContinuousClock.Instant) {
        for (asked, title) in told.titles where title.askedAt == moment && Self.isKept(title.value, asked: asked) {
            titles.keep(title, for: asked)
        }
        for (film, rating) in told.ratings where rating.askedAt == moment && Self.isShort(rating.value?.review) {
            ratings.keep(rating, for: film)
        }
        for (film, state) in told.states where state.askedAt == moment { states.keep(state, for: film) }
    }

    private static func fresh<Value>(_ told: Told<Value>?, at now: ContinuousClock.Instant) -> Told<Value>? {
        told.flatMap { $0.askedAt.duration(to: now) < life ? $0 : nil }
    }

    /// A title lists for a day what was merged into it; that ends without a change of the title.
    private static func isKept(_ title: Title, asked: TitleID) -> Bool {
        !title.hasMoves(from: asked) && isShort(title.overview)
    }

    private static func isShort(_ text: String?) -> Bool { (text?.utf8.count ?? 0) <= textBytesMax }
}

/// What is known of some films: the title, each person's rating of it, and its state for the person.
struct ToldFilms: Sendable {
    var titles: [TitleID: Told<Title>] = [:]
    var ratings: [PersonTitle: Told<Rating?>] = [:]
    var states: [PersonTitle: Told<TitleState>] = [:]

    private struct Asker: Hashable {
        let user: UserID
        let known: String?
    }

    /// Returns one request per person and version.
    static func questions<Value>(
        _ wanted: [PersonTitle], _ told: [PersonTitle: Told<Value>]
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
    mutating func take(_ found: [VersionedTitle], askedAt moment: ContinuousClock.Instant) {
        var titles: [TitleID: Told<Title>] = [:]
        for one in found {
            titles[one.asked] =
                one.title.map { Told(version: one.version, value: $0, askedAt: moment) } ?? self.titles[one.asked]
        }
        self.titles = titles
    }

    /// Adds the ratings that were returned for each of the requests.
    mutating func take(
        _ people: [RatingsOfPerson], to questions: [PersonTitles], askedAt moment: ContinuousClock.Instant
    ) {
        for (question, answer) in zip(questions, people) {
            guard let ratings = answer.ratings else { continue }
            let found = Dictionary(ratings.map { ($0.asked, $0.rating) }) { first, _ in first }
            for title in question.titles {
                self.ratings[PersonTitle(user: question.user, title: title)] = Told(
                    version: answer.version, value: found[title], askedAt: moment)
            }
        }
    }

    /// Adds the states that were returned for each of the requests.
    mutating func take(
        _ people: [StatesOfPerson], to questions: [PersonTitles], askedAt moment: ContinuousClock.Instant
    ) {
        for (question, answer) in zip(questions, people) {
            guard let states = answer.states else { continue }
            for (title, state) in zip(question.titles, states) where state.title == title {
                self.states[PersonTitle(user: question.user, title: title)] = Told(
                    version: answer.version, value: state, askedAt: moment)
            }
        }
    }
}
