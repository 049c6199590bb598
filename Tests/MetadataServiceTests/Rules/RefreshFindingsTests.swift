import Contracts
import TestSupport
import Testing

@testable import MetadataService

@Suite("What a turn writes")
struct RefreshFindingsTests {
    private static let id = TitleID(UUIDBits(high: 0x0192_0000_0000_7000, low: 7))
    private static let now: Int64 = 1_795_369_449_000

    private static func record(_ scores: [OutsideScore] = []) -> TitleRecord {
        TitleRecord(
            title: Title(
                id: id, kind: .movie, name: "imdb tt1", genres: [], externalIds: ExternalIds(imdb: "tt1"),
                externalRatings: scores.map(ExternalRating.init), isLocal: true),
            fence: 1, attempts: 0, childrenAt: nil, seriesIDs: SubjectIDs(), facts: [:], outcomes: [:])
    }

    private static func report(_ provider: ProviderID, _ scores: [OutsideScore], name: String?) -> ProviderReport {
        var facts = ProviderFacts(provider: provider, kind: .movie, fetchedAtMilliseconds: now)
        facts.name = name
        facts.scores = scores
        return ProviderReport(provider, facts: facts)
    }

    private static func findings(_ reports: [ProviderReport], _ record: TitleRecord) -> RefreshFindings {
        RefreshFindings(record, reports: reports, kept: [], off: [.kitsu], profiles: [], now: now, seed: 1)
    }

    @Test("the same whatever the order in which providers answered")
    func order() {
        var random = SeededRandom(seed: UInt64.random(in: 0...UInt64.max))
        for _ in 0..<200 {
            let reports = ProviderID.allCases.map { provider in
                Self.report(
                    provider, random.offers().filter { $0.via == provider },
                    name: Bool.random(using: &random) ? "Name of \(provider)" : nil)
            }
            let record = Self.record(MergedScores(random.offers()).scores)
            let one = Self.findings(reports, record)
            let other = Self.findings(reports.shuffled(using: &random), record)
            #expect(one.scores == other.scores && one.draft == other.draft, "seed \(random.seed)")
            #expect(one.changes == other.changes && one.outcomes == other.outcomes, "seed \(random.seed)")
            #expect(one.dueMilliseconds == other.dueMilliseconds, "seed \(random.seed)")
        }
    }

    @Test("a provider that fails leaves its score, marked as stale, and brings the title back in an hour")
    func failure() {
        let old = score(.tmdb, 7_900, via: .tmdb, at: Self.now - 86_400_000)
        let failed = ProviderReport(.tmdb, found: [], error: .unavailable("status 503"))
        let findings = Self.findings([failed], Self.record([old]))
        #expect(findings.scores.map(\.status) == [.stale] && findings.changes.isEmpty)
        #expect(findings.attempts == 1 && !findings.isAnswered)
        #expect((3_600_000...4_400_000).contains(findings.dueMilliseconds - Self.now))
        #expect(findings.outcomes.first { $0.provider == .tmdb }?.detail == "It is unavailable: status 503.")
        #expect(findings.outcomes.first { $0.provider == .kitsu }?.outcome == .skipped)
    }

    @Test("the history keeps changes at one decimal, and that a score went")
    func history() {
        let old = [score(.tmdb, 7_904, via: .tmdb, at: 1), score(.imdb, 8_100, via: .omdb, at: 1)]
        #expect(ScoreChanged.between(old, [score(.tmdb, 7_901, via: .tmdb, at: 2), old[1]]).isEmpty)
        let changes = ScoreChanged.between(old, [score(.tmdb, 7_996, via: .tmdb, at: 2)])
        #expect(changes.map(\.source) == [.imdb, .tmdb] && changes[0].score == nil)
    }

    @Test("the missing Rotten Tomatoes has a reason")
    func missing() {
        let outcomes: [ProviderID: KeptOutcome] = [
            .omdb: KeptOutcome(outcome: .skipped, detail: nil, askedAtMilliseconds: 0, nextAtMilliseconds: nil),
            .trakt: KeptOutcome(outcome: .noRating, detail: nil, askedAtMilliseconds: 0, nextAtMilliseconds: nil),
        ]
        let missing = MissingScores(
            kind: .movie, scores: [], outcomes: outcomes, profiles: ProviderID.allCases.map(ProviderProfile.of))
        let critics = missing.missing.first { $0.source == .rottenTomatoesCritics }
        #expect(critics?.reason.hasPrefix("OMDb is switched off or lacks a key.") == true)
    }
}
