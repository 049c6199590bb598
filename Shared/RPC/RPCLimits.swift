package import JSON

/// Every bound of the call layer; the bytes of a body and the streams of a connection are bounded in `H2Limits`.
package struct RPCLimits: Sendable {
    /// Members of one batch; a longer one is refused as a whole.
    package var batchMembersMax = 100
    /// Members of one batch that run at the same moment.
    package var batchConcurrencyMax = 8
    /// Bytes of an id's JSON text.
    package var idBytesMax = 1_024
    /// What an envelope's JSON may hold.
    package var json = JSONLimits()

    /// How long a call may take whose caller set no `rpc-timeout-ms`.
    package var timeoutDefault: Duration = .seconds(30)
    /// How long any call may take, whatever its caller asks for.
    package var timeoutMax: Duration = .seconds(300)
    /// The highest `rpc-attempt` that is taken.
    package var attemptMax = 100
    /// Bytes of an `idempotency-key`.
    package var idempotencyKeyBytesMax = 255

    /// Addresses of one target that are used; the rest of a longer answer is left out.
    package var addressesMax = 64
    /// Calls on one connection at the same moment.
    package var callsPerConnectionMax = 100
    /// Calls that wait for a connection at the same moment; one more fails as overloaded.
    package var waitersMax = 1_000
    /// Tries of one idempotent call, the first included.
    package var attemptsPerCallMax = 3
    /// Times that one call is moved to another connection because it surely was not processed.
    package var transparentRetriesMax = 1
    /// Retries that may happen beyond the share, in a row.
    package var retryBurstMax = 10
    /// Retries per 100 calls.
    package var retryPercentMax = 10
    /// The first wait before a retry; doubles per retry, with full jitter.
    package var retryBackoffInitial: Duration = .milliseconds(25)
    /// The longest wait before a retry.
    package var retryBackoffMax: Duration = .seconds(1)

    /// How long a connection may take until the peer's SETTINGS have arrived.
    package var connectTimeout: Duration = .seconds(5)
    /// The first wait between two tries to connect.
    package var connectBackoffInitial: Duration = .seconds(1)
    /// By how much each wait is longer than the one before.
    package var connectBackoffMultiplier = 1.6
    /// The share by which a wait is made longer or shorter.
    package var connectBackoffJitter = 0.2
    /// Short enough that a copy cut off for long is back within 15 s after it can be reached.
    package var connectBackoffMax: Duration = .seconds(10)

    /// How often a target's name is resolved.
    package var resolveInterval: Duration = .seconds(5)
    /// The least time between two resolutions, however many connections fail.
    package var resolveIntervalMin: Duration = .seconds(1)

    package init() {}
}
