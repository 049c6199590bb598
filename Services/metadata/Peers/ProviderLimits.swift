/// The limits of calls to providers.
package struct ProviderLimits: Sendable, Hashable {
    /// The largest body that is read: 2 MiB.
    package var bodyBytesMax = 2_097_152
    /// The same for a season at TMDb, which comes whole: 16 MiB. A daily series has hundreds of episodes in a season,
    /// each with its entire cast.
    package var seasonBytesMax = 16_777_216
    /// The longest that one call may take, from connecting to the last byte of the body.
    package var callTimeout = Duration.seconds(8)
    /// The longest wait that a provider's Retry-After can impose.
    package var retryAfterMax = Duration.seconds(3_600)
    /// Search results that are considered.
    package var candidatesMax = 50

    package init() {}

    package static let standard = ProviderLimits()

    /// Connections to one host: the calls to all providers at once, in case one proxy stands in front of them all.
    static let connectionsPerHostMax = 256
    /// Characters of a name.
    package static let nameCharactersMax = 500
    /// Characters of an overview.
    package static let overviewCharactersMax = 20_000
    package static let otherNamesMax = 50
    package static let genresMax = 50
    package static let genreCharactersMax = 100
    package static let certificationCharactersMax = 20
    package static let addressBytesMax = 2_000
    /// How long an entry is not asked for again at a provider that must not be asked twice a day.
    package static let shelfTime = Duration.days(1)
    /// Bytes of an entity tag; longer ones are not kept.
    package static let validatorBytesMax = 200
    /// Seasons of a series, or episodes of a season.
    package static let childrenMax = 10_000
}
