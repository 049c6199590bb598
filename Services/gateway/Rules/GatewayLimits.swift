/// Limits of accounts and sessions, and of what protects them.
package struct GatewayLimits: Sendable {
    /// How long a bearer token is valid; a refresh issues the next one.
    package var tokenLife = Duration.seconds(12 * 3_600)
    /// How long a session may go without a refresh; then it has ended.
    package var sessionIdleMax = Duration.seconds(30 * 86_400)
    /// The longest that a session lasts, however often it is refreshed.
    package var sessionLifeMax = Duration.seconds(180 * 86_400)
    /// How long a refresh token may be presented again after its use, since the answer may have been lost.
    package var refreshGrace = Duration.seconds(60)
    /// How long a login counts as recent: its session may close the account, and end others.
    package var freshLoginMax = Duration.seconds(15 * 60)
    /// How long a password printed by an administrator's command is valid; it must be changed within that time.
    package var givenPasswordLife = Duration.seconds(24 * 3_600)
    /// How long a second factor that was begun can be confirmed.
    package var factorBeginningMax = Duration.seconds(10 * 60)
    /// The number of recovery codes issued with a second factor.
    package var recoveryCodesCount = 10
    /// Consecutive wrong codes of the app, at logins with the right password from an unknown network; after that only
    /// recovery codes are accepted there.
    package var wrongCodesMax = 100
    /// Sessions per person; a login beyond that ends the one that was unused the longest.
    package var sessionsMax = 100
    /// Networks per person from which others cannot lock them out: those of the latest logins, for 90 days each.
    package var knownNetworksMax = 20
    /// API keys per person.
    package var apiKeysMax = 50
    /// Invitations that are still open.
    package var invitesMax = 200
    /// How long an invitation is valid that has no date of its own.
    package var inviteLife = Duration.seconds(7 * 86_400)
    /// Failed logins per name that cost nothing; each further one doubles the wait.
    package var accountFailuresMax = 10
    /// The same per address, which a household may share; of IPv6 addresses the first 48 bits count.
    package var addressFailuresMax = 50
    /// The same for all names and addresses together, except people on networks where they have logged in before.
    package var allFailuresMax = 1_000
    /// The first wait after failed logins, and the longest.
    package var failureWaitMin = Duration.seconds(1)
    package var failureWaitMax = Duration.seconds(900)
    /// The longest wait due to all failures together: it bounds the pace of all guesses. Whoever keeps that up takes
    /// the turns of everybody on an unknown network.
    package var allFailuresWaitMax = Duration.seconds(2)
    /// Failures of a name are forgotten after this long without another; those of an address, and of all together, one
    /// by one: in this time as many as cost nothing.
    package var failureMemory = Duration.seconds(3_600)
    /// How long a looked-up token is trusted; a session that is ended at another copy may live on this long.
    package var callerTrustTime = Duration.seconds(1)
    /// The maximum number of tokens trusted this way.
    package var callersMax = 10_000
    /// Tokens known to have been valid, which are looked up even while their network exceeds its rate limit.
    package var goodTokensMax = 100_000
    /// How often a gateway looks for new tokens, and how far back each time, so that a session that is written late is
    /// not missed.
    package var goodTokensInterval = Duration.seconds(5)
    package var goodTokensOverlap = Duration.seconds(60)
    /// How often last uses of sessions and keys are written, and how many are collected until then.
    package var useFlushInterval = Duration.seconds(30)
    package var usesMax = 10_000
    /// How long the answer to a write with an Idempotency-Key is kept.
    package var onceLife = Duration.seconds(24 * 3_600)
    /// How often expired rows are deleted, and how many per table at a time.
    package var sweepInterval = Duration.seconds(300)
    package var sweepRowsMax = 1_000
    /// The number of second factors read at a time to be resealed.
    package var resealRowsMax = 500
    /// How often closed accounts are looked for, how long one gateway has an account for itself, and how many it takes.
    package var erasureInterval = Duration.seconds(10)
    package var erasureLease = Duration.seconds(60)
    package var erasuresMax = 10

    package init() {}
}
