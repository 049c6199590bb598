/// Every bound of an HTTP/2 connection, for both roles; the defaults are for a server that untrusted peers can reach.
package struct H2Limits: Sendable, Hashable {
    // Streams

    /// Streams that the peer may have open at once, as announced in SETTINGS_MAX_CONCURRENT_STREAMS. 100.
    package var streamsMax = 100
    /// Handlers running for one connection, including those of cancelled streams; above, REFUSED_STREAM. 128.
    package var handlersMax = 128

    // Sizes

    /// Sum of name + value + 32 over the header fields of one message, in bytes (RFC 9113 §6.5.2); above, 431. 32 KiB.
    package var headerBytesMax = 32_768
    /// Header fields of one message, including pseudo-header fields; above, 431. 100.
    package var headerCountMax = 100
    /// Bytes of one message body; above, 413. 1 MiB; from other services (`peers`) 1.25 MiB, since a body of the public
    /// side grows when it is passed on.
    package var bodyBytesMax = 1_048_576
    /// Bytes of all unfinished request bodies of a connection; above, the stream that grew gets REFUSED_STREAM. 8 MiB.
    package var requestBytesMax = 8_388_608
    /// The same over all connections of a server. 16 MiB.
    package var serverRequestBytesMax = 16_777_216
    /// Bytes of a connection's response bodies that wait for the peer; above, new streams get REFUSED_STREAM. 1 MiB.
    package var responseBytesMax = 1_048_576
    /// Flow-control window of one stream, in bytes. 64 KiB − 1, the protocol's own default.
    package var streamWindowBytes = 65_535
    /// Flow-control window of the connection, in bytes; at least 65 535. 1 MiB.
    package var connectionWindowBytes = 1_048_576
    /// Bytes taken from the session for one write. 64 KiB.
    package var writeBytesMax = 65_536

    // Abuse, counted by libnghttp2

    /// RST_STREAM frames from the peer (rapid reset, CVE-2023-44487). 200, then 20 a second; from other services (`peers`)
    /// 10 000, then 5 000 a second; server only.
    package var resetRate = H2Rate(burst: 200, perSecond: 20)
    /// CONTINUATION frames after one HEADERS frame (CVE-2024-28182). 8.
    package var continuationsMax = 8
    /// Entries of one SETTINGS frame. 32.
    package var settingsEntriesMax = 32
    /// Acknowledgements of PING and SETTINGS that wait to be sent. 1 000.
    package var outboundAcksMax = 1_000
    /// Bytes of one header block that we send. 64 KiB.
    package var sentHeaderBytesMax = 65_536
    /// Bytes of the table that compresses our headers. 4 KiB.
    package var deflateTableBytesMax = 4_096

    // Abuse, counted here

    /// RST_STREAM frames that the peer makes us send (CVE-2025-8671). 100, then 10 a second; other services 10 000,
    /// then 5 000 a second.
    package var ownResetRate = H2Rate(burst: 100, perSecond: 10)
    /// PING frames from the peer. 50, then 2 a second.
    package var pingRate = H2Rate(burst: 50, perSecond: 2)
    /// SETTINGS frames from the peer. 20, then 1 a second.
    package var settingsRate = H2Rate(burst: 20, perSecond: 1)
    /// Consecutive DATA frames without content. 16.
    package var emptyDataMax = 16
    /// PRIORITY frames beyond `priorityFramesPerStream` for each stream opened. 100.
    package var priorityFramesMax = 100
    /// PRIORITY frames allowed for each stream opened. 4.
    package var priorityFramesPerStream = 4
    /// WINDOW_UPDATE frames beyond `windowUpdatesPerFrame` for each stream opened and DATA frame sent. 1 000.
    package var windowUpdatesMax = 1_000
    /// WINDOW_UPDATE frames allowed for each stream opened and each DATA frame sent. 10.
    package var windowUpdatesPerFrame = 10
    /// Frames queued in the library for sending. 1 000.
    package var outboundFramesMax = 1_000

    /// How long an address that flooded a connection gets no other. 1 s; 0 for addresses of other services.
    package var floodPenalty: Duration = .seconds(1)
    /// Addresses remembered for a flood at once; the oldest are forgotten. 1 024.
    package var punishedAddressesMax = 1_024

    // Times

    /// Time from the start of a connection to the peer's preface and SETTINGS, including the TLS handshake. 5 s.
    package var prefaceTimeout: Duration = .seconds(5)
    /// Time from our SETTINGS to their acknowledgement. 10 s.
    package var settingsAckTimeout: Duration = .seconds(10)
    /// Time from the first byte of a header block to its end. 10 s.
    package var headersTimeout: Duration = .seconds(10)
    /// Time between two pieces of a request body; beyond, 408. 30 s.
    package var bodyIdleTimeout: Duration = .seconds(30)
    /// Time from the first byte of a request to its last; beyond, 408. 60 s.
    package var requestTimeout: Duration = .seconds(60)
    /// Time without any open stream; beyond, GOAWAY. 5 min.
    package var idleTimeout: Duration = .seconds(300)
    /// Period in which waiting response bytes must move by `writeProgressBytesMin`, or all be sent; otherwise the
    /// stream is reset, or the connection closed if the socket itself is stalled. 30 s.
    package var writeProgressTimeout: Duration = .seconds(30)
    /// Bytes that a waiting response must move in each `writeProgressTimeout`. 1 KiB.
    package var writeProgressBytesMin = 1_024
    /// Time between the first GOAWAY of a graceful stop and the second, if the peer does not answer our PING. 2 s.
    package var drainRoundTripTimeout: Duration = .seconds(2)
    /// How long a failed connection may take to write its last GOAWAY. 1 s.
    package var lingerTimeout: Duration = .seconds(1)
    /// How often these times are checked. 500 ms.
    package var sweepInterval: Duration = .milliseconds(500)

    // Listener

    /// Connections of one server; one whose handlers still run counts even after it has closed. 1 024.
    package var connectionsMax = 1_024
    /// Connections from one address. 64.
    package var connectionsPerAddressMax = 64
    /// Connections that the kernel may queue before they are accepted. 256.
    package var backlogMax = 256

    // Client

    /// Calls that wait on one connection for a free stream. 1 000.
    package var queuedCallsMax = 1_000
    /// Streams that we open before the peer's SETTINGS announce a limit, and at most in any case. 100.
    package var peerStreamsMax = 100
    /// Time from the start of a connection to the peer's SETTINGS. 5 s.
    package var connectTimeout: Duration = .seconds(5)
    /// Time between two PING frames while calls are in flight. 10 s.
    package var keepaliveInterval: Duration = .seconds(10)
    /// Time from a keepalive PING to its acknowledgement; beyond, the connection is dead. 5 s.
    package var keepaliveTimeout: Duration = .seconds(5)

    package init() {}

    /// The limits of a client: responses up to 8 MiB in windows of 1 MiB, no streams from the peer.
    package static let client: H2Limits = {
        var limits = H2Limits()
        limits.bodyBytesMax = 8_388_608
        limits.streamWindowBytes = 1_048_576
        limits.connectionWindowBytes = 8_388_608
        return limits
    }()

    /// The limits of a server for other services, each of which sends all its calls over one connection: every call
    /// that is cancelled or times out is a reset, and ending the connection for resets would end it for all callers.
    /// The cost of resets stays bounded by `streamsMax` and `handlersMax`, since a handler keeps its slot until it has
    /// ended. Copies may share an address, so one that floods does not lock out the others.
    package static let peers: H2Limits = {
        var limits = H2Limits()
        limits.resetRate = H2Rate(burst: 10_000, perSecond: 5_000)
        limits.ownResetRate = H2Rate(burst: 10_000, perSecond: 5_000)
        limits.floodPenalty = .zero
        limits.bodyBytesMax = 1_310_720
        return limits
    }()
}
