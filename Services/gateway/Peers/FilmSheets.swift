import Contracts
import Edge
import RPC
import Synchronization

/// Films as encoded for people, once for each state of what the services returned: a person who looks again at an
/// unchanged film gets the same bytes.
final class FilmSheets: Sendable {
    /// The maximum size of a kept film, in bytes; longer ones are encoded each time.
    static let bytesMax = 8_192

    private struct Sheet: Sendable {
        let facts: FilmFacts
        let reply: EdgeReply<EdgeWritten<Movie>>
    }

    private let sheets = Mutex(Recent<PersonTitle, Sheet>(countMax: FilmBook.filmsMax))

    /// Returns the film that `facts` describe. Throws `wrongKind` for a title that is not a film.
    func reply(
        of film: PersonTitle, _ facts: FilmFacts
    ) throws(RPCError) -> EdgeReply<EdgeWritten<Movie>> {
        if let sheet = sheets.withLock({ $0.value(for: film) }), sheet.facts.isSame(as: facts) { return sheet.reply }
        let title = facts.title.value
        var movie = try Movie(title, rating: facts.rating.value.flatMap { $0.title == title.id ? $0 : nil })
        movie.myState = facts.state?.value
        let reply = Self.reply(movie)
        if reply.body.bytes.count <= Self.bytesMax {
            sheets.withLock { $0.keep(Sheet(facts: facts, reply: reply), for: film) }
        }
        return reply
    }

    static func reply(_ movie: Movie) -> EdgeReply<EdgeWritten<Movie>> {
        let written = EdgeWritten(movie)
        return EdgeReply(written, headers: [("etag", EntityTag.of(written.bytes))])
    }
}
