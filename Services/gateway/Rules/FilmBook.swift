import Contracts

/// A title, and the person who looks at it.
struct PersonTitle: Sendable, Hashable {
    let user: UserID
    let title: TitleID
}

/// What a service told, for which version of it, and when it was asked. Held by reference: a film is passed on in every answer, and
/// copying it counts each of its parts.
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

/// What the services told of films a short while ago: they are asked each time whether that version still holds, and tell what is
/// new.
struct FilmBook: Sendable {
    /// Films, and films of people, of which this many are kept for certain, and twice as many at most.
    static let filmsMax = 512
    /// Longer overviews and reviews, in bytes of UTF-8, are told each time.
    static let textBytesMax = 4_096
    /// After this it is told anew, whatever version it is: metadata learns then that somebody looks at the title, and what stood in
    /// a database before it was restored is gone.
    static let life = Duration.seconds(60)

    private var titles = Recent<TitleID, Told<Title>>(countMax: filmsMax)
    private var ratings = Recent<PersonTitle, Told<Rating?>>(countMax: filmsMax)
    private var states = Recent<PersonTitle, Told<TitleState>>(countMax: filmsMax)

    /// What is known of some films at a moment.
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

    /// Keeps what was asked for at `moment` of it; what is older is kept already.
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

    /// For a day a title tells what was merged into it, which ends without a change of the title.
    private static func isKept(_ title: Title, asked: TitleID) -> Bool {
        !title.hasMoves(from: asked) && isShort(title.overview)
    }

    private static func isShort(_ text: String?) -> Bool { (text?.utf8.count ?? 0) <= textBytesMax }
}

/// What is known of some films: each as metadata tells it, each person's rating of it, and what it is to the person.
struct ToldFilms: Sendable {
    var titles: [TitleID: Told<Title>] = [:]
    var ratings: [PersonTitle: Told<Rating?>] = [:]
    var states: [PersonTitle: Told<TitleState>] = [:]

    private struct Asker: Hashable {
        let user: UserID
        let known: String?
    }

    /// A question for each person and version.
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

    /// With the titles that were told since; those that nobody knows any more are gone.
    mutating func take(_ found: [VersionedTitle], askedAt moment: ContinuousClock.Instant) {
        var titles: [TitleID: Told<Title>] = [:]
        for one in found {
            titles[one.asked] =
                one.title.map { Told(version: one.version, value: $0, askedAt: moment) } ?? self.titles[one.asked]
        }
        self.titles = titles
    }

    /// With the ratings that were told since, of each of the questions.
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

    /// With the states that were told since, of each of the questions.
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
