/// Every bound of accounts, sessions and what guards them.
package struct GatewayLimits: Sendable {
    /// How long a bearer token lasts; a refresh gets the next one.
    package var tokenLife = Duration.seconds(12 * 3_600)
    /// A session that is not refreshed for this long has ended.
    package var sessionIdleMax = Duration.seconds(30 * 86_400)
    /// The longest that a session lasts, however often it is refreshed.
    package var sessionLifeMax = Duration.seconds(180 * 86_400)
    /// How long a refresh token may be shown again after its use: the answer may have been lost.
    package var refreshGrace = Duration.seconds(60)
    /// How long a login counts as fresh: its session may close the account, and end others.
    package var freshLoginMax = Duration.seconds(15 * 60)
    /// How long a password is good that an administrator's command printed; it is there to be changed.
    package var givenPasswordLife = Duration.seconds(24 * 3_600)
    /// How long a second factor that was begun can be confirmed.
    package var factorBeginningMax = Duration.seconds(10 * 60)
    /// Recovery codes that are given with a second factor.
    package var recoveryCodesCount = 10
    /// Wrong codes of the app, one after the other, at logins with the password from somewhere new; after them only recovery codes
    /// let in there.
    package var wrongCodesMax = 100
    /// Sessions of a person; a login beyond ends the one that was unused the longest.
    package var sessionsMax = 100
    /// Networks of a person from which others cannot lock them out: those of the latest logins, for 90 days each.
    package var knownNetworksMax = 20
    /// API keys of a person.
    package var apiKeysMax = 50
    /// Invitations that nobody has used yet.
    package var invitesMax = 200
    /// How long an invitation without a date of its own is good.
    package var inviteLife = Duration.seconds(7 * 86_400)
    /// Failed logins of one name that cost nothing; each further one doubles the wait.
    package var accountFailuresMax = 10
    /// The same of one address, behind which a household may be; of IPv6 its first 48 bits are one.
    package var addressFailuresMax = 50
    /// The same of all names and addresses together, but for people who come from where they have logged in before.
    package var allFailuresMax = 1_000
    /// The first wait, and the longest.
    package var failureWaitMin = Duration.seconds(1)
    package var failureWaitMax = Duration.seconds(900)
    /// The longest wait for what all have failed together: it bounds the pace of all guesses. Whoever keeps
    /// that up takes the turns of all who come from somewhere new.
    package var allFailuresWaitMax = Duration.seconds(2)
    /// Failures of a name are forgotten when none came for this long; of an address and of all as many in this time
    /// as cost nothing, one by one.
    package var failureMemory = Duration.seconds(3_600)
    /// How long what a token stands for is believed without asking; so long may a session live on that was ended elsewhere.
    package var callerTrustTime = Duration.seconds(1)
    /// Tokens that are remembered so.
    package var callersMax = 10_000
    /// Tokens that are known to have been somebody's, so that they are looked up even where their network asks too often.
    package var goodTokensMax = 100_000
    /// How often a gateway asks which tokens are new, and how far back it looks each time: a session that is written down late
    /// is not missed.
    package var goodTokensInterval = Duration.seconds(5)
    package var goodTokensOverlap = Duration.seconds(60)
    /// How often the last uses of sessions and keys are written down, and how many are collected until then.
    package var useFlushInterval = Duration.seconds(30)
    package var usesMax = 10_000
    /// How long the answer to a write with an Idempotency-Key is kept.
    package var onceLife = Duration.seconds(24 * 3_600)
    /// How often what has expired is removed, and how many rows of a table at a time.
    package var sweepInterval = Duration.seconds(300)
    package var sweepRowsMax = 1_000
    /// Second factors that are sealed again in one go.
    package var resealRowsMax = 500
    /// How often closed accounts are looked for, how long one gateway has an account for itself, how many it takes.
    package var erasureInterval = Duration.seconds(10)
    package var erasureLease = Duration.seconds(60)
    package var erasuresMax = 10

    package init() {}
}
