import Contracts
import RPC
import Testing

@testable import GatewayService

/// Films whose answers are encoded only once for the same facts.
@Suite struct FilmSheetsTests {
    private static let start = ContinuousClock.now
    private static let film = PersonTitle(user: UserID(UUIDBits(high: 3, low: 1)), title: StandIns.title(5))

    private static func title(_ kind: TitleKind = .movie, overview: String? = nil) -> Told<Title> {
        Told(
            version: "1",
            value: Title(
                id: film.title, kind: kind, name: "5", overview: overview, genres: [], externalIds: ExternalIds(),
                externalRatings: [], isLocal: false), askedAt: start)
    }

    private static func state(_ plays: Int) -> Told<TitleState> {
        Told(
            version: "1",
            value: TitleState(
                title: film.title, plays: plays, onWatchlist: false, inCollection: false, isLiked: false),
            askedAt: start)
    }

    private static func unrated() -> Told<Rating?> { Told(version: "1", value: nil, askedAt: start) }

    /// The address of the bytes of an answer.
    private static func place(_ reply: EdgeReply<EdgeWritten<Movie>>) -> UnsafeRawPointer? {
        reply.body.bytes.withUnsafeBytes(\.baseAddress)
    }

    @Test(
        "What the services have not told anew is not written anew; each of the three that is, is seen, and its absence")
    func once() throws {
        let sheets = FilmSheets()
        let facts = FilmFacts(title: Self.title(), rating: Self.unrated(), state: Self.state(1))
        let first = try sheets.reply(of: Self.film, facts)
        #expect(Self.place(try sheets.reply(of: Self.film, facts)) == Self.place(first))
        #expect(try sheets.reply(of: Self.film, facts).headers.map(\.name) == ["etag"])
        let changed = [
            FilmFacts(title: Self.title(overview: "new"), rating: facts.rating, state: facts.state),
            FilmFacts(title: facts.title, rating: Self.unrated(), state: facts.state),
            FilmFacts(title: facts.title, rating: facts.rating, state: Self.state(2)),
            FilmFacts(title: facts.title, rating: facts.rating, state: nil),
        ]
        for facts in changed {
            let reply = try sheets.reply(of: Self.film, facts)
            #expect(Self.place(reply) != Self.place(first))
            let movie = try reply.body.value()
            #expect(movie.overview == facts.title.value.overview)
            #expect(movie.myState?.plays == facts.state?.value.plays)
        }
    }

    @Test("What is written for one person is not shown to another")
    func people() throws {
        let sheets = FilmSheets()
        let (title, rating) = (Self.title(), Self.unrated())
        for (number, plays) in [(1, 1), (2, 2), (1, 1)] {
            let film = PersonTitle(user: UserID(UUIDBits(high: 3, low: UInt64(number))), title: Self.film.title)
            let reply = try sheets.reply(of: film, FilmFacts(title: title, rating: rating, state: Self.state(plays)))
            #expect(try reply.body.value().myState?.plays == plays)
        }
    }

    @Test("A long film is written each time, and what is no film never")
    func unkept() throws {
        let sheets = FilmSheets()
        let long = FilmFacts(
            title: Self.title(overview: String(repeating: "x", count: FilmSheets.bytesMax)), rating: Self.unrated(),
            state: nil)
        let (first, second) = (try sheets.reply(of: Self.film, long), try sheets.reply(of: Self.film, long))
        #expect(Self.place(first) != Self.place(second))
        #expect(first.headers.map(\.value) == second.headers.map(\.value))
        #expect(throws: RPCError.wrongKind("this is a series, not a film")) {
            try sheets.reply(
                of: Self.film, FilmFacts(title: Self.title(.series), rating: Self.unrated(), state: nil))
        }
    }
}
