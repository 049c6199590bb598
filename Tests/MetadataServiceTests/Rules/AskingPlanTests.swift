import Testing

@testable import MetadataService

@Suite("Whom a refresh asks")
struct AskingPlanTests {
    private static let now: Int64 = 1_795_369_449_000
    private static let hour: Int64 = 3_600_000

    private static func facts(_ providers: [ProviderID], age: Int64) -> [ProviderID: ProviderFacts] {
        Dictionary(
            uniqueKeysWithValues: providers.map {
                ($0, ProviderFacts(provider: $0, kind: .movie, fetchedAtMilliseconds: now - age))
            })
    }

    private static func outcomes(_ outcomes: [ProviderID: (ProviderOutcome, next: Int64?)]) -> [ProviderID: KeptOutcome]
    {
        outcomes.mapValues {
            KeptOutcome(
                outcome: $0.0, detail: nil, askedAtMilliseconds: now - hour, nextAtMilliseconds: $0.next)
        }
    }

    private static func plan(
        _ facts: [ProviderID: ProviderFacts], _ outcomes: [ProviderID: KeptOutcome], isForced: Bool = false
    ) -> AskingPlan {
        AskingPlan(
            kind: .movie, enabled: [.tmdb, .omdb, .kitsu, .anidb, .tvmaze], facts: facts, outcomes: outcomes, now: now,
            isForced: isForced)
    }

    @Test("an answer of this title holds for its time, which reading it does not prolong; then its provider is asked")
    func keeping() {
        let young = Self.plan(Self.facts([.tmdb, .omdb], age: 23 * Self.hour), [:])
        #expect(young.kept == [.tmdb, .omdb] && young.asked == [.kitsu, .anidb])
        let old = Self.plan(Self.facts([.tmdb, .omdb], age: 24 * Self.hour), [:])
        #expect(old.kept.isEmpty && old.asked == [.tmdb, .omdb, .kitsu, .anidb])
        // TVmaze has no films.
        #expect(!old.asked.contains(.tvmaze))
    }

    @Test("a turn that comes early is that of who failed: whoever answered is not asked before the title's own time")
    func early() {
        let plan = AskingPlan(
            kind: .movie, enabled: [.tmdb, .omdb, .kitsu], facts: Self.facts([.tmdb, .omdb], age: 72 * Self.hour),
            outcomes: Self.outcomes([.tmdb: (.ok, nil), .omdb: (.error, nil)]), now: Self.now, isForced: false,
            interval: 168 * Self.hour)
        #expect(plan.kept == [.tmdb] && plan.asked == [.omdb, .kitsu])
    }

    @Test("who failed is asked though an older answer is there; who is to be left alone is not")
    func outcomes() {
        let plan = Self.plan(
            Self.facts([.tmdb], age: Self.hour),
            Self.outcomes([
                .tmdb: (.error, nil), .omdb: (.quota, Self.now + 1), .kitsu: (.notMapped, Self.now - 1),
                .anidb: (.notMapped, Self.now + 1),
            ]))
        #expect(plan.asked == [.tmdb, .kitsu] && plan.kept.isEmpty)
    }

    @Test("by hand everybody is asked about the title, but for who bans whoever asks twice")
    func forced() {
        let facts = Self.facts([.tmdb, .omdb, .anidb], age: Self.hour)
        let plan = Self.plan(facts, Self.outcomes([.kitsu: (.notMapped, Self.now + 1)]), isForced: true)
        #expect(plan.asked == [.tmdb, .omdb, .kitsu] && plan.kept == [.anidb])
    }

    @Test("when a provider is asked again")
    func next() {
        func next(_ outcome: ProviderOutcome, _ error: ProviderError?, _ profile: ProviderProfile) -> Int64? {
            AskingPlan.nextAt(outcome, error, profile: profile, now: Self.now, spread: 0).map {
                ($0 - Self.now) / Self.hour
            }
        }
        #expect(
            next(.ok, nil, .tmdb) == nil && next(.noRating, nil, .tmdb) == nil && next(.error, .timeout, .tmdb) == nil)
        #expect(next(.notMapped, .notFound, .tmdb) == ProviderProfile.tmdb.keeping.absence.milliseconds / Self.hour)
        #expect(next(.error, .timeout, .anidb) == 168)
        #expect(next(.quota, .quota(untilMilliseconds: Self.now + 5 * Self.hour), .omdb) == 5)
        #expect(next(.quota, .reserved(untilMilliseconds: Self.now + 5 * Self.hour), .omdb) == 5)
        #expect(next(.quota, .busy, .anidb) == 1 && next(.quota, .resting(.quota), .anidb) == 24)
    }
}
