/// Every bound of a gate.
package struct GateLimits: Sendable {
    /// Calls that wait at one time; one more is turned away.
    package var waitersMax = 10_000
    /// How far ahead places are taken from the line that the replicas share.
    package var ahead = Duration.milliseconds(100)
    /// A place that is older is lost, since calls must not bunch; on a slow line more (`PaceLine.lateThousandths`).
    package var lateMax = Duration.milliseconds(10)
    /// The longest wait of a call without a deadline of its own.
    package var waitMax = Duration.seconds(20)
    /// How often an answer is noted of a provider that is well.
    package var noteInterval = Duration.seconds(60)
    /// Parts of a hundred of a day's calls that are left to those who wait for the answer.
    package var reservedPercent = 20
    /// The same of the background's calls about episodes: what they leave is for films and shows too.
    package var reservedFromEpisodesPercent = 70

    package init() {}
}
