/// Every bound of what Simkl is asked, beside those of the queue and of syncs.
package enum SimklLimits {
    /// Bytes of an answer that are read: Simkl gives a whole library in one. A longer one is asked for in parts.
    package static let bodyBytesMax = 33_554_432
    /// The longest that reading a library may take.
    package static let readTimeout = Duration.seconds(60)
    /// The longest that one call about connecting may take.
    package static let connectTimeout = Duration.seconds(15)
    /// How long a write waits while Simkl works at another of the same account.
    package static let lockWait = Duration.seconds(20)
    /// How long nothing is asked, for anybody, once the client id was turned away: a block, or a mistake of the operator.
    package static let blockWait = Duration.seconds(600)
    /// What a token lives whose answer does not say: five years.
    package static let lifeSecondsDefault = 157_680_000
    /// How much slower a code is polled once Simkl says that it is asked too often.
    package static let slowDown = Duration.seconds(5)
    /// How long an answer that is empty, though something has happened, must have lasted before it is believed.
    package static let doubtTime = Duration.seconds(60)
    /// The same for one by which several items of a group would have left: longer than an outage.
    package static let emptyTime = Duration.seconds(86_400)
    /// Items of one group of a library.
    package static let itemsMax = 200_000
}
