import Contracts
import JSON
import TestSupport
import Testing

@testable import GatewayService

/// What is kept of films between two requests for them.
@Suite struct FilmBookTests {
    private static let start = ContinuousClock.now
    private static let moment = Timestamp(clampingMicrosecondsSinceEpoch: 1_780_000_000_000_000)
    private static let film = PersonTitle(user: UserID(UUIDBits(high: 3, low: 1)), title: StandIns.title(5))

    private static func title(_ id: TitleID, overview: String? = nil, merged: [TitleID]? = nil) -> Title {
        Title(
            id: id, kind: .movie, name: "5", overview: overview, genres: [], externalIds: ExternalIds(),
            externalRatings: [], isLocal: false, mergedIds: merged)
    }

    private static func rating(_ review: String?) -> Rating {
        Rating(
            title: film.title, kind: .movie, rating: DecimalTenths(tenths: 70), review: review, spoiler: false,
            ratedAt: moment, updatedAt: moment)
    }

    /// Whether the title, rating and state are still known `after` they were told.
    private static func known(
        _ title: Title, _ rating: Rating?, after: Duration = .seconds(59)
    ) -> [Bool] {
        var book = FilmBook()
        var told = ToldFilms()
        told.titles[film.title] = Told(version: "1", value: title, askedAt: start)
        told.ratings[film] = Told(version: "2", value: rating, askedAt: start)
        told.states[film] = Told(
            version: "3",
            value: TitleState(
                title: film.title, plays: 1, onWatchlist: false, inCollection: false, isLiked: false),
            askedAt: start)
        told.titles.answered("d")
        told.ratings.answered("d")
        told.states.answered("d")
        book.keep(told)
        let facts = book.facts(of: [film], at: start.advanced(by: after))
        return [facts.titles[film.title] != nil, facts.ratings[film] != nil, facts.states[film] != nil]
    }

    @Test("What was told is known for a minute, whether it is rated or not")
    func life() {
        #expect(Self.known(Self.title(Self.film.title), nil) == [true, true, true])
        #expect(Self.known(Self.title(Self.film.title), Self.rating("short")) == [true, true, true])
        #expect(Self.known(Self.title(Self.film.title), nil, after: .seconds(60)) == [false, false, false])
    }

    @Test("Long texts, and titles that tell of a merge, are not kept")
    func unkept() {
        let long = String(repeating: "x", count: FilmBook.textBytesMax + 1)
        #expect(Self.known(Self.title(Self.film.title, overview: long), nil) == [false, true, true])
        #expect(Self.known(Self.title(Self.film.title), Self.rating(long)) == [true, false, true])
        #expect(Self.known(Self.title(StandIns.title(6)), nil) == [false, true, true])
        #expect(Self.known(Self.title(Self.film.title, merged: [StandIns.title(6)]), nil) == [false, true, true])
    }

    /// What a service told of some films of one person, and of which version of its data.
    private static func told(_ numbers: ClosedRange<Int>, _ data: String?) -> ToldFilms {
        var told = ToldFilms()
        for number in numbers {
            let film = PersonTitle(user: film.user, title: StandIns.title(number))
            told.ratings[film] = Told(version: "1", value: nil, askedAt: start)
        }
        told.ratings.answered(data)
        return told
    }

    @Test("Films are of a version of the data as long as it is the last that was told, and all of them are of it")
    func versions() {
        var book = FilmBook()
        let film = PersonTitle(user: Self.film.user, title: StandIns.title(1))
        func data(_ numbers: ClosedRange<Int>) -> String? {
            let films = numbers.map { PersonTitle(user: Self.film.user, title: StandIns.title($0)) }
            return book.facts(of: films, at: Self.start).ratings.data
        }
        #expect(data(1...1) == nil)
        book.keep(Self.told(1...2, "a"))
        #expect([data(1...1), data(1...2), data(1...3)] == ["a", "a", nil])
        book.keep(Self.told(3...3, "a"))
        #expect(data(1...3) == "a")
        book.keep(Self.told(2...2, "b"))
        #expect([data(1...1), data(2...2), data(1...2)] == [nil, "b", nil])
        // An answer that arrives late, of a version before, makes no film of it current again.
        book.keep(Self.told(3...3, "a"))
        #expect([data(1...1), data(2...2), data(3...3)] == [nil, nil, "a"])
        // A service of before does not tell.
        book.keep(Self.told(3...3, nil))
        #expect(data(3...3) == nil)
        // Who was not asked says nothing.
        book.keep(Self.told(1...1, "c"))
        book.keep(ToldFilms())
        #expect(data(1...1) == "c")
        // Metadata has to hear within a minute that somebody looks.
        #expect(book.facts(of: [film], at: Self.start + .seconds(59)).ratings.data == "c")
        #expect(book.facts(of: [film], at: Self.start + .seconds(60)).ratings.data == nil)
    }

    @Test("All that is known of films is of a version only if all three parts are")
    func parts() {
        for versions in [["a", "a", "a"], ["b", "a", "a"], ["a", "b", "a"], ["a", "a", "b"], [nil, nil, nil]] {
            var told = ToldFilms()
            told.titles.answered(versions[0])
            told.ratings.answered(versions[1])
            told.states.answered(versions[2])
            #expect(told.data == (Set(versions).count == 1 ? versions[0] : nil))
        }
    }

    @Test("What was used among the last is kept, and no more than twice as many")
    func recent() {
        var random = SeededRandom(seed: UInt64.random(in: 0 ... .max))
        for countMax in [1, 2, 7] {
            var recent = Recent<Int, Int>(countMax: countMax)
            var used: [Int] = []
            for step in 0..<2_000 {
                let key = Int(random.next() % UInt64(4 * countMax))
                let place = used.lastIndex(of: key)
                let between = place.map { Set(used[($0 + 1)...]).count }
                if random.next() % 2 == 0 {
                    recent.keep(step, for: key)
                    used.append(key)
                } else {
                    let isKept = recent.value(for: key) != nil
                    if let between, between < countMax { #expect(isKept, "seed \(random.seed), step \(step)") }
                    if (between ?? .max) >= 2 * countMax { #expect(!isKept, "seed \(random.seed), step \(step)") }
                    if isKept { used.append(key) }
                }
            }
        }
    }

    @Test("A person is asked about once for each version that is known")
    func questions() {
        let people = (1...2).map { UserID(UUIDBits(high: 3, low: UInt64($0))) }
        let films = people.flatMap { user in (1...3).map { PersonTitle(user: user, title: StandIns.title($0)) } }
        let told = ToldPart(
            values: [films[0]: "a", films[2]: "a", films[4]: "b"].mapValues {
                Told(version: $0, value: 0, askedAt: Self.start)
            })
        #expect(
            ToldFilms.questions(films, told) == [
                PersonTitles(user: people[0], titles: [StandIns.title(1), StandIns.title(3)], known: "a"),
                PersonTitles(user: people[0], titles: [StandIns.title(2)]),
                PersonTitles(user: people[1], titles: [StandIns.title(1), StandIns.title(3)]),
                PersonTitles(user: people[1], titles: [StandIns.title(2)], known: "b"),
            ])
    }
}
