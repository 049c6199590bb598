/// What has to be known of a provider before it is asked: its requirements, its pace, how long its answers keep, and
/// the attribution it is owed. Each provider's is in its own folder.
package struct ProviderProfile: Sendable, Hashable {
    /// What a provider requires of its callers; the raw values are the suffixes of the settings.
    package enum Need: String, Sendable, Hashable, CaseIterable {
        case apiKey = "API_KEY"
        case clientID = "CLIENT_ID"
        case clientSecret = "CLIENT_SECRET"
    }

    /// How fast all replicas together may ask a provider.
    package struct Pace: Sendable, Hashable {
        /// Calls within each `interval`; above 0.
        package let calls: Int
        package let interval: Duration
        /// The most concurrent calls; above 0.
        package let inFlightMax: Int
        /// The most calls a day, from 00:00 UTC; nil if the provider does not limit them.
        package let dailyCallsMax: Int?

        package init(calls: Int, per interval: Duration, inFlightMax: Int, dailyCallsMax: Int? = nil) {
            self.calls = calls
            self.interval = interval
            self.inFlightMax = inFlightMax
            self.dailyCallsMax = dailyCallsMax
        }
    }

    /// How long an answer may be used without asking again.
    package struct Keeping: Sendable, Hashable {
        package let answer: Duration
        /// How long the absence of a title holds.
        package let absence: Duration
        /// The longest that the provider's terms allow; nil if they set no limit.
        package let longest: Duration?

        package init(answer: Duration, absence: Duration, longest: Duration? = nil) {
            self.answer = answer
            self.absence = absence
            self.longest = longest
        }
    }

    package let provider: ProviderID
    /// The display name.
    package let name: String
    /// The text that has to be shown beside the provider's data.
    package let attribution: String
    /// The provider's website.
    package let link: String
    package let needs: [Need]
    /// False if the provider is asked only once somebody switches it on.
    package let isOnByDefault: Bool
    /// The base URL unless a setting names another.
    package let baseURL: String
    /// The kinds of titles that it covers.
    package let kinds: Set<SubjectKind>
    /// The sources whose scores it supplies, in the fixed order of sources.
    package let sources: [ScoreSource]
    package let pace: Pace
    package let keeping: Keeping
    /// Whether a failed call may be retried before the next refresh.
    package let mayRetry: Bool
    /// How long a provider that refused a call is left alone if it does not say itself.
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

    /// Returns the setting that holds the provider's address, or one of its keys.
    package func settingName(_ ending: String) -> String { "REELAY_\(provider.rawValue.uppercased())_\(ending)" }
}

extension Duration {
    package static func minutes(_ count: Int) -> Duration { .seconds(60 * count) }
    package static func hours(_ count: Int) -> Duration { .seconds(3_600 * count) }
    package static func days(_ count: Int) -> Duration { .seconds(86_400 * count) }
}
