/// Every bound of the public side.
package struct EdgeLimits: Sendable {
    /// Bytes of a request's body: 1 MiB.
    package var bodyBytesMax = 1_048_576
    /// Bytes that are read of a body in any form, of which the first `bodyBytesMax` are kept: 8 MiB, since media
    /// servers attach a picture to their events.
    package var rawBodyBytesMax = 8_388_608
    /// Bytes of each body that do not count towards the next two limits: 4 KiB, more than nearly any body has. Sixteen
    /// connections can have 1,600 bodies at once.
    package var bodyBytesFree = 4_096
    /// Bytes beyond those that all bodies together may hold while they arrive or are processed: 64 MiB.
    package var bodiesBytesMax = 64 << 20
    /// The part of that for one network: 8 MiB.
    package var addressBodiesBytesMax = 8 << 20
    /// Bytes of a request's path and query.
    package var targetBytesMax = 8_192
    /// Parameters in a query.
    package var queryParametersMax = 64
    /// Bytes of a request's header fields: 32 KiB.
    package var headerBytesMax = 32_768
    /// Header fields of a request.
    package var headerFieldsMax = 100
    /// The longest that a request may take, from the end of its header to its answer.
    package var operationTimeout = Duration.seconds(30)
    /// Bytes of a body that is taken in pieces: 50 MiB of files, and 1 MiB for what separates them.
    package var uploadBytesMax = (50 << 20) + (1 << 20)
    /// The longest that such a request may take as a whole; the gap between two pieces is bounded by `bodyTimeout`.
    package var uploadTimeout = Duration.seconds(600)
    /// The longest that a client may take to send a body, included in `operationTimeout`.
    package var bodyTimeout = Duration.seconds(20)
    /// How long a connection stays open after a body that came too slowly, so that the client can read the refusal.
    package var farewellTimeout = Duration.seconds(2)
    /// The longest that a client may take to read a piece of an answer.
    package var writeTimeout = Duration.seconds(30)
    /// Bytes of such a piece: 64 KiB, so a client may be as slow as 2.1 KiB/s.
    package var writePieceBytes = 65_536
    /// Bytes of a larger answer that are in flight to one client: 16 KiB at a time.
    package var answerPieceBytes = 16_384
    /// Bytes of an Idempotency-Key.
    package var idempotencyKeyBytesMax = 255
    /// How long a connection may stay open without a request.
    package var idleTimeout = Duration.seconds(60)
    /// The longest that the head of a request may take, from its first byte; over HTTP/2 also the client's preface and
    /// any frame other than DATA.
    package var headerTimeout = Duration.seconds(10)
    /// HTTP/2 frames of one connection that carry neither a request nor a part of a body: at once.
    package var idleFramesBurst = 1_000
    /// The same per second; requests and answers earn more, since the client has to acknowledge the bytes of answers.
    package var idleFramesPerSecond = 100
    /// The interval in which an HTTP/2 connection may send one PING.
    package var pingInterval = Duration.seconds(30)
    /// How many PINGs in all may come sooner.
    package var earlyPingsMax = 2
    /// Pieces of a body over HTTP/1.1 that may be of any size.
    package var bodyPiecesFree = 1_024
    /// The least number of bytes per piece beyond those, on average over the whole body.
    package var bodyPieceBytesMin = 16
    /// Bytes that are parsed at once while no body arrives: some dozens of the shortest requests over HTTP/1.1.
    package var headSliceBytes = 2_048
    /// The same while one does.
    package var bodySliceBytes = 16_384
    /// The shortest pause of a loop between two requests that had to wait, whichever connections they belong to: over
    /// HTTP/1.1 for the answer to the request before, over HTTP/2 for a place. The pause lasts as long as the loop
    /// worked on the previous request until that first waited for a service; its later work on it takes about this
    /// long.
    package var pipelinedPause = Duration.microseconds(300)
    /// The longest such pause.
    package var pipelinedPauseMax = Duration.milliseconds(1)
    /// Requests of an HTTP/2 connection that are in work at a time, from their header to the start of their answers:
    /// about as many as a browser opens connections over HTTP/1.1. Those of a trusted proxy are not counted.
    package var streamsInWorkMax = 8
    /// Headers of one HTTP/2 connection that are taken in one turn of the loop; the next wait in the same line. Those
    /// of a trusted proxy are not counted.
    package var headersAtOnceMax = 8
    /// Bytes of one HTTP/2 connection that are taken in one turn of the loop; the next wait in the same line. Those of a
    /// trusted proxy are not counted.
    package var frameBytesAtOnceMax = 16_384
    /// Bytes of one connection that wait to be parsed, over either protocol: more than one event of a socket brings.
    /// Further ones are read only if the client has closed its side, and end the connection.
    package var waitingBytesMax = 524_288
    /// The longest that a request counts as one of these: a slower one waits for something other than the loop.
    package var streamPlaceTime = Duration.milliseconds(250)
    /// The longest that a TLS handshake may take.
    package var handshakeTimeout = Duration.seconds(10)
    /// Connections at once; further ones wait to be accepted. Fewer if the process may not open that many files.
    package var connectionsMax = 16_384
    /// Files and connections of the process that are reserved for Postgres, services and logs.
    package var descriptorsKept = 256
    /// Connections of one address (for IPv6, of its first 64 bits) that is not a trusted proxy; further ones are closed
    /// at once.
    package var addressConnectionsMax = 256
    /// HTTP/2 streams of one address that is not a trusted proxy, over all its connections: each has a task while it is
    /// open, some 40 kB. Further ones are refused, and the client may retry them.
    package var addressStreamsMax = 1_000
    /// Locally reset streams that one HTTP/2 connection remembers, so that late frames for them are dropped; a frame
    /// for an older one ends the connection. The framework remembers one fewer, which must exceed the 100 streams that
    /// a client may have open. A client's own cancellations free streams sooner: more than 127 resets can precede late
    /// frames only if it cancels more than 27 requests within one round trip.
    package var resetStreamsKept = 128
    /// The smallest answer that is compressed, in bytes.
    package var packedBytesMin = 1_024
    /// The largest answer that is compressed: 4 MiB.
    package var packedBytesMax = 4_194_304
    /// The longest that a request waits for a share of a rate limit.
    package var shareTimeout = Duration.seconds(1)

    package init() {}

    /// Returns the maximum number of connections for a process that may open `descriptors` files.
    package func connections(descriptors: Int) -> Int { max(1, min(connectionsMax, descriptors - descriptorsKept)) }
}
