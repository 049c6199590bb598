package import JSON

/// Every bound of the call layer; the bytes of a body and the streams of a connection are bounded in `H2Limits`.
package struct RPCLimits: Sendable {
    /// Members of one batch; a longer one is refused as a whole.
    package var batchMembersMax = 100
    /// Members of one batch that run concurrently.
    package var batchConcurrencyMax = 8
    /// Bytes of an id's JSON text.
    package var idBytesMax = 1_024
    /// Limits of the JSON of an envelope.
    package var json = JSONLimits()

    /// How long a call may take if its caller set no `rpc-timeout-ms`.
    package var timeoutDefault: Duration = .seconds(30)
    /// How long any call may take, whatever its caller asks for.
    package var timeoutMax: Duration = .seconds(300)
    /// The highest `rpc-attempt` that is accepted.
    package var attemptMax = 100
    /// Bytes of an `idempotency-key`.
    package var idempotencyKeyBytesMax = 255

    /// Addresses of all targets together that are used; the rest are ignored.
    package var addressesMax = 64
    /// Concurrent calls on one connection.
    package var callsPerConnectionMax = 100
    /// Calls that wait for a connection at the same time; one more fails as overloaded.
    package var waitersMax = 1_000
    /// Attempts of one idempotent call, including the first.
    package var attemptsPerCallMax = 3
    /// How often one call is moved to another connection because it was certainly not processed.
    package var transparentRetriesMax = 1
    /// Retries in a row that are allowed beyond the percentage.
    package var retryBurstMax = 10
    /// Retries per 100 calls.
    package var retryPercentMax = 10
    /// The bound of the first wait before a retry; doubles per retry, with full jitter.
    package var retryBackoffInitial: Duration = .milliseconds(25)
    /// The longest wait before a retry.
    package var retryBackoffMax: Duration = .seconds(1)

    /// How long a connection attempt may take until the peer's SETTINGS have arrived.
    package var connectTimeout: Duration = .seconds(5)
    /// The first wait between two connection attempts.
    package var connectBackoffInitial: Duration = .seconds(1)
    /// The factor by which each wait exceeds the one before.
    package var connectBackoffMultiplier = 1.6
    /// The fraction by which a wait is randomly lengthened or shortened.
    package var connectBackoffJitter = 0.2
    /// The longest wait between two connection attempts, short enough that a copy is reconnected within 15 s after it
    /// becomes reachable again.
    package var connectBackoffMax: Duration = .seconds(10)

    /// How often a target's name is resolved.
    package var resolveInterval: Duration = .seconds(5)
    /// The least time between two resolutions, however many connections fail.
    package var resolveIntervalMin: Duration = .seconds(1)

    package init() {}
}
