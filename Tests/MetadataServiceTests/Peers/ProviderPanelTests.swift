import MetadataService
import Synchronization
import Testing

@testable import MetadataService

@Suite("Asking all providers together")
struct ProviderPanelTests {
    /// Waits for its gate to open, then answers with the ids that `tells` returns for the subject.
    private final class Teller: ProviderClient {
        let provider: ProviderID
        private let opened: AsyncStream<Void>
        private let gate: AsyncStream<Void>.Continuation
        private let tells: @Sendable (ProviderSubject) throws(ProviderError) -> SubjectIDs?
        private let count = Mutex(0)
        private let onAsked: @Sendable () -> Void

        init(
            _ provider: ProviderID, onAsked: @escaping @Sendable () -> Void = {},
            _ tells: @escaping @Sendable (ProviderSubject) throws(ProviderError) -> SubjectIDs?
        ) {
            self.provider = provider
            self.tells = tells
            self.onAsked = onAsked
            (opened, gate) = AsyncStream.makeStream(of: Void.self)
        }

        var askedCount: Int { count.withLock(\.self) }

        func open() { gate.finish() }

        func facts(_ subject: ProviderSubject) async throws(ProviderError) -> ProviderFacts? {
            count.withLock { $0 += 1 }
            for await _ in opened {}
            defer { onAsked() }
            guard let ids = try tells(subject) else { return nil }
            var facts = ProviderFacts(provider: provider, kind: subject.kind, fetchedAtMilliseconds: 7)
            facts.ids = ids
            return facts
        }

        func search(_: ProviderQuery) async throws(ProviderError) -> [ProviderFacts] { [] }
    }

    private static let turn = ProviderTurn(deadline: .now + .seconds(20), isBackground: false)

    /// AniDB has no search, and its id used to be dropped when three other ids had arrived before it.
    @Test("an id that comes last of all is still used")
    func lateID() async {
        let anidb = Teller(.anidb) { (subject) throws(ProviderError) in
            subject.ids.anidb.map { SubjectIDs(anidb: $0) }
        }
        anidb.open()
        // They tell their ids one after the other.
        let chain: [(ProviderID, SubjectIDs)] = [
            (.tmdb, SubjectIDs(tmdb: 1)), (.tvdb, SubjectIDs(tvdb: 2)), (.tvmaze, SubjectIDs(tvmaze: 3)),
            (.omdb, SubjectIDs(imdb: "tt9100201")), (.trakt, SubjectIDs(trakt: 4)),
            (.myanimelist, SubjectIDs(myanimelist: 5)), (.kitsu, SubjectIDs(anidb: 6, kitsu: 7)),
        ]
        var tellers: [Teller] = []
        for (provider, ids) in chain.reversed() {
            let next = tellers.last
            tellers.append(Teller(provider, onAsked: { next?.open() }) { (_) throws(ProviderError) in ids })
        }
        tellers.last?.open()
        let panel = ProviderPanel(clients: tellers + [anidb], skipped: [])
        let subject = ProviderSubject(kind: .series, ids: SubjectIDs(letterboxd: "x"))
        let reports = await panel.ask(
            subject, asked: Set(ProviderID.allCases), known: [], turn: ProviderPanelTests.turn)
        #expect(reports.first { $0.answer.provider == .anidb }?.facts?.ids.anidb == 6)
        #expect(anidb.askedCount == 2, "once without its id, once with it")
    }

    @Test("gates are told which calls are about an episode", arguments: SubjectKind.allCases)
    func episodes(kind: SubjectKind) async {
        let teller = Teller(.omdb) { (_) throws(ProviderError) in
            SubjectIDs(tmdb: ProviderTurn.current?.isOfEpisode == true ? 2 : 1)
        }
        teller.open()
        let panel = ProviderPanel(clients: [teller], skipped: [])
        let reports = await panel.ask(
            ProviderSubject(kind: kind, ids: SubjectIDs(imdb: "tt9100001")), asked: [.omdb], known: [], turn: Self.turn)
        #expect(reports.first?.facts?.ids.tmdb == (kind == .episode ? 2 : 1))
    }

    @Test("who does not know a title is asked again by other ids, three times at most; who knows it once")
    func rounds() async {
        let trakt = Teller(.trakt) { (subject) throws(ProviderError) in
            guard subject.ids.tvdb != nil else { throw .notFound }
            return SubjectIDs(trakt: 9)
        }
        let simkl = Teller(.simkl) { (_) throws(ProviderError) in throw .notFound }
        let tvdb = Teller(.tvdb) { (_) throws(ProviderError) in SubjectIDs(tvdb: 2) }
        let kitsu = Teller(.kitsu, onAsked: { tvdb.open() }) { (_) throws(ProviderError) in
            SubjectIDs(myanimelist: 3, kitsu: 4)
        }
        let anilist = Teller(.anilist, onAsked: { kitsu.open() }) { (_) throws(ProviderError) in
            SubjectIDs(anilist: 5)
        }
        for teller in [trakt, simkl, anilist] { teller.open() }
        let panel = ProviderPanel(clients: [trakt, simkl, tvdb, kitsu, anilist], skipped: [])
        let reports = await panel.ask(
            ProviderSubject(kind: .series, ids: SubjectIDs(imdb: "tt9100201")), asked: Set(ProviderID.allCases),
            known: [], turn: Self.turn)
        #expect(reports.first { $0.answer.provider == .trakt }?.facts?.ids.trakt == 9)
        #expect(trakt.askedCount == 2 && tvdb.askedCount == 1 && kitsu.askedCount == 1 && anilist.askedCount == 1)
        // The count depends on what is told while an answer is in progress, but each time there was more to go by.
        #expect((2...3).contains(simkl.askedCount))
        #expect(reports.first { $0.answer.provider == .simkl }?.error == .notFound)
    }

    /// Three films of this name came out in 2022. A provider asked by name before the id is known may find another one.
    @Test("who found a namesake is asked again by the id that somebody before it told")
    func namesakes() async {
        let tmdb = Teller(.tmdb) { (_) throws(ProviderError) in SubjectIDs(imdb: "tt9100011", tmdb: 910_011) }
        let omdb = Teller(.omdb, onAsked: { tmdb.open() }) { (subject) throws(ProviderError) in
            SubjectIDs(imdb: subject.ids.imdb ?? "tt9100012")
        }
        let trakt = Teller(.trakt) { (subject) throws(ProviderError) in
            subject.ids.imdb.map { SubjectIDs(imdb: $0, trakt: $0 == "tt9100011" ? 11 : 12) }
        }
        for teller in [omdb, trakt] { teller.open() }
        let panel = ProviderPanel(clients: [tmdb, omdb, trakt], skipped: [])
        let reports = await panel.ask(
            ProviderSubject(kind: .movie, ids: SubjectIDs(tmdb: 910_011), name: "The Puppet", year: 2022),
            asked: Set(ProviderID.allCases), known: [], turn: Self.turn)
        #expect(reports.map(\.facts?.ids.imdb) == ["tt9100011", "tt9100011", "tt9100011"])
        #expect(reports.last?.facts?.ids.trakt == 11)
        #expect(tmdb.askedCount == 1 && omdb.askedCount == 2, "TMDb stands before all others")
    }

    /// Returns what it found; the neighbouring year may have failed.
    private struct Shower: ProviderClient {
        let provider: ProviderID
        let missed: ProviderError?

        func facts(_: ProviderSubject) async throws(ProviderError) -> ProviderFacts? { throw .notFound }

        func search(_: ProviderQuery) async throws(ProviderError) -> [ProviderFacts] { throw .timeout }

        func browse(_ query: ProviderQuery) async throws(ProviderError) -> ProviderFinds {
            ProviderFinds(
                [ProviderFacts(provider: provider, kind: query.kind, fetchedAtMilliseconds: 7)], missed: missed)
        }
    }

    /// A failure for the neighbouring year used to discard what was found for the year itself.
    @Test("a search shows what is found beside a part that could not be asked, and says why of that")
    func partialSearch() async {
        let panel = ProviderPanel(
            clients: [
                Shower(provider: .tmdb, missed: .busy), Shower(provider: .tvdb, missed: nil),
                Shower(provider: .omdb, missed: .notFound),
            ], skipped: [])
        let (found, reports) = await panel.search([ProviderQuery(kind: .movie, name: "A", year: 2015)], turn: Self.turn)
        #expect(found.map(\.provider) == [.tmdb, .tvdb, .omdb])
        #expect(reports.map(\.error) == [.busy, nil, nil])
        #expect(reports.allSatisfy { $0.answer.outcome == .noRating })
    }
}
