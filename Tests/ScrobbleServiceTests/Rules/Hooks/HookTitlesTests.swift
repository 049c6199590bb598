import Contracts
import JSON
import RPC
import Testing

@testable import ScrobbleService

/// Which titles a media server means.
@Suite struct HookTitlesTests {
    private static func title(_ kind: TitleKind, _ season: Int? = nil, _ episode: Int? = nil) -> Title {
        Title(
            id: TitleID(UUIDBits(high: 1, low: 1)), kind: kind, name: "x", seasonNumber: season, episodeNumber: episode,
            genres: [], externalIds: ExternalIds(), externalRatings: [], isLocal: false)
    }

    @Test("A film is asked for by its ids, then by its name; an episode by its ids, then by its place")
    func questions() {
        let film = MediaItem(kind: .movie, ids: ExternalIds(tmdb: 603), name: "The Matrix", year: 1999)
        #expect(HookTitles.questions(film).map(\.ids) == [ExternalIds(tmdb: 603), ExternalIds()])
        let nameless = MediaItem(kind: .movie, ids: ExternalIds(tmdb: 603))
        #expect(HookTitles.questions(nameless).count == 1)
        #expect(HookTitles.questions(MediaItem(kind: .movie)).isEmpty)
        let episode = MediaItem(
            kind: .episode, ids: ExternalIds(tvdb: 301), name: "The Sluice",
            series: .init(name: "Saltmarsh", year: 2019),
            season: 1, episodes: [2])
        let questions = HookTitles.questions(episode)
        #expect(questions.count == 3)
        #expect(questions[0].ids == ExternalIds(tvdb: 301) && questions[0].seriesName == nil)
        #expect(questions[1].ids == ExternalIds() && questions[1].seriesName == "Saltmarsh")
        #expect(questions[1].seasonNumber == 1 && questions[1].episodeNumber == 2)
        #expect(questions[2].seriesIds == ExternalIds(tvdb: 301), "some servers put the series' id there")
        let placeless = MediaItem(kind: .episode, series: .init(name: "Saltmarsh"), episodes: [2])
        #expect(HookTitles.questions(placeless).isEmpty)
    }

    /// Metadata that knows the first episode by its id and the others only by their series.
    private struct Metadata: RPCCaller {
        static let series = TitleID(UUIDBits(high: 2, low: 2))
        /// The episode numbers it knows of the series.
        let numbers: ClosedRange<Int>

        func call<Params: JSONEncodable, Result: JSONDecodable>(
            _ method: RPCMethod, _ params: Params, _ call: RPCCall
        ) async throws(RPCError) -> Result {
            guard let question = params as? ResolveTitleParams else { throw .internal("nobody expects \(method.name)") }
            let number = question.ids == ExternalIds(tvdb: 301) ? 1 : question.episodeNumber ?? 0
            guard question.ids == ExternalIds(tvdb: 301) || question.series == Self.series, numbers.contains(number)
            else {
                throw .titleNotFound("")
            }
            let title = Title(
                id: TitleID(UUIDBits(high: 3, low: UInt64(number))), kind: .episode, name: "x", series: Self.series,
                seasonNumber: 1, episodeNumber: number, genres: [], externalIds: ExternalIds(), externalRatings: [],
                isLocal: false)
            guard let answer = title as? Result else { throw .internal("another answer was wanted") }
            return answer
        }
    }

    @Test("A file of two episodes counts, though nobody knows its series by the name that the server has for it")
    func seriesOfAnotherName() async {
        let item = MediaItem(
            kind: .episode, ids: ExternalIds(tvdb: 301), series: .init(name: "Salzwiesen"), season: 1, episodes: [1, 2])
        for (numbers, found) in [(1...2, [1, 2]), (1...1, [1])] as [(ClosedRange<Int>, [UInt64])] {
            let finding = await HookTitleDesk(metadata: MetadataClient(Metadata(numbers: numbers))).titles(of: item)
            guard case .found(let titles) = finding else {
                Issue.record("\(finding)")
                continue
            }
            #expect(titles.map(\.id.uuid.low) == found)
        }
    }

    @Test("An id that leads to another kind, season or episode does not count")
    func fits() {
        let episode = MediaItem(kind: .episode, season: 1, episodes: [2, 3])
        #expect(HookTitles.fits(Self.title(.episode, 1, 2), episode))
        #expect(HookTitles.fits(Self.title(.episode), episode))
        let placed = MediaItem(kind: .episode, series: .init(name: "Saltmarsh"), season: 1, episodes: [2])
        #expect(HookTitles.fits(Self.title(.episode, 1, 2), placed))
        #expect(!HookTitles.fits(Self.title(.episode), placed), "its place says more than a title that has none")
        #expect(!HookTitles.fits(Self.title(.episode, 1, 3), episode))
        #expect(!HookTitles.fits(Self.title(.episode, 2, 2), episode))
        #expect(!HookTitles.fits(Self.title(.series), episode))
        #expect(!HookTitles.fits(Self.title(.series), MediaItem(kind: .movie)))
    }
}
