/// What has to be known of a provider before it is asked: what it needs, its pace, how long its answers keep, and what is
/// owed to it. Every provider has its own in its folder.
package struct ProviderProfile: Sendable, Hashable {
    /// What a provider asks of those who call it; the raw values end the names of the settings.
    package enum Need: String, Sendable, Hashable, CaseIterable {
        case apiKey = "API_KEY"
        case clientID = "CLIENT_ID"
        case clientSecret = "CLIENT_SECRET"
    }

    /// How fast a provider may be asked, by all replicas together.
    package struct Pace: Sendable, Hashable {
        /// Calls within each `interval`; above 0.
        package let calls: Int
        package let interval: Duration
        /// Calls under way at one time; above 0.
        package let inFlightMax: Int
        /// Calls a day, from 00:00 UTC; nil where the provider counts none.
        package let dailyCallsMax: Int?

        package init(calls: Int, per interval: Duration, inFlightMax: Int, dailyCallsMax: Int? = nil) {
            self.calls = calls
            self.interval = interval
            self.inFlightMax = inFlightMax
            self.dailyCallsMax = dailyCallsMax
        }
    }

    /// How long what a provider said may be used without asking again.
    package struct Keeping: Sendable, Hashable {
        package let answer: Duration
        /// That the provider does not have a title.
        package let absence: Duration
        /// The longest that the provider's terms allow; nil where they set no bound.
        package let longest: Duration?

        package init(answer: Duration, absence: Duration, longest: Duration? = nil) {
            self.answer = answer
            self.absence = absence
            self.longest = longest
        }
    }

    package let provider: ProviderID
    /// For people.
    package let name: String
    /// What has to be shown beside the provider's data.
    package let attribution: String
    /// Where the provider lives on the web.
    package let link: String
    package let needs: [Need]
    /// False where the provider is asked only if somebody switches it on.
    package let isOnByDefault: Bool
    /// Where it is asked unless a setting says otherwise.
    package let baseURL: String
    /// Kinds of titles that it can say something of.
    package let kinds: Set<SubjectKind>
    /// Whose scores it tells, in the fixed order of sources.
    package let sources: [ScoreSource]
    package let pace: Pace
    package let keeping: Keeping
    /// Whether a failed call may be tried again before the next refresh.
    package let mayRetry: Bool
    /// How long a provider that sent us away is left alone where it does not say itself.
    package let restAfterRefusal: Duration

    package init(
        _ provider: ProviderID, name: String, attribution: String, link: String, needs: [Need],
        isOnByDefault: Bool = true,
        baseURL: String, kinds: Set<SubjectKind>, sources: [ScoreSource], pace: Pace, keeping: Keeping,
        mayRetry: Bool = true, restAfterRefusal: Duration
    ) {
        self.provider = provider
        self.name = name
        self.attribution = attribution
        self.link = link
        self.needs = needs
        self.isOnByDefault = isOnByDefault
        self.baseURL = baseURL
        self.kinds = kinds
        self.sources = sources
        self.pace = pace
        self.keeping = keeping
        self.mayRetry = mayRetry
        self.restAfterRefusal = restAfterRefusal
    }

    package static func of(_ provider: ProviderID) -> ProviderProfile {
        switch provider {
        case .tmdb: .tmdb
        case .tvdb: .tvdb
        case .tvmaze: .tvmaze
        case .omdb: .omdb
        case .trakt: .trakt
        case .letterboxd: .letterboxd
        case .simkl: .simkl
        case .anilist: .anilist
        case .anidb: .anidb
        case .myanimelist: .myanimelist
        case .kitsu: .kitsu
        }
    }

    /// The setting that names the provider's address, or one of its keys.
    package func settingName(_ ending: String) -> String { "REELAY_\(provider.rawValue.uppercased())_\(ending)" }
}

extension Duration {
    package static func minutes(_ count: Int) -> Duration { .seconds(60 * count) }
    package static func hours(_ count: Int) -> Duration { .seconds(3_600 * count) }
    package static func days(_ count: Int) -> Duration { .seconds(86_400 * count) }
}
