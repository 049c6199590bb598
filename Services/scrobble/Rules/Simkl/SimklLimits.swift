/// Every bound of calls to Simkl, besides those of the queue and of syncs.
package enum SimklLimits {
    /// The size of a response that is read, in bytes: Simkl returns a whole library in one. A larger one is requested
    /// in parts.
    package static let bodyBytesMax = 33_554_432
    /// The timeout of reading a library.
    package static let readTimeout = Duration.seconds(60)
    /// The timeout of one call for connecting.
    package static let connectTimeout = Duration.seconds(15)
    /// How long a write waits while Simkl processes another one of the same account.
    package static let lockWait = Duration.seconds(20)
    /// How long nothing is sent, for anyone, after the client ID was rejected: a block, or a mistake by the operator.
    package static let blockWait = Duration.seconds(600)
    /// The lifetime of a token if the response does not give it: five years.
    package static let lifeSecondsDefault = 157_680_000
    /// The additional polling interval for a code after Simkl says that it is polled too often.
    package static let slowDown = Duration.seconds(5)
    /// How long an answer that is empty despite reported activity must persist before it is believed.
    package static let doubtTime = Duration.seconds(60)
    /// The same for an answer that would remove several items of a group: longer than an outage.
    package static let emptyTime = Duration.seconds(86_400)
    /// The number of items in one group of a library.
    package static let itemsMax = 200_000
}
