import Contracts
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
