/// The limits of a gate.
package struct GateLimits: Sendable {
    /// Calls that may wait at the same time; one more is turned away.
    package var waitersMax = 10_000
    /// How far ahead places are taken from the line that the replicas share.
    package var ahead = Duration.milliseconds(100)
    /// How old a place may be before it is lost, since calls must not bunch up; longer on a slow line
    /// (`PaceLine.lateThousandths`).
    package var lateMax = Duration.milliseconds(10)
    /// The longest that a call without a deadline of its own waits.
    package var waitMax = Duration.seconds(20)
    /// How often an answer is recorded while the provider is well.
    package var noteInterval = Duration.seconds(60)
    /// Percentage of a day's calls that background calls leave to callers who wait for the answer.
    package var reservedPercent = 20
    /// The same for background calls about episodes, which also leave calls for films and shows.
    package var reservedFromEpisodesPercent = 70

    package init() {}
}
