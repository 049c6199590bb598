/// Every bound of the public side.
package struct EdgeLimits: Sendable {
    /// Bytes of a request's body: 1 MiB.
    package var bodyBytesMax = 1_048_576
    /// Bytes that are read of a body in any form, of which the first `bodyBytesMax` are kept: 8 MiB, since media servers
    /// add a picture to what they tell.
    package var rawBodyBytesMax = 8_388_608
    /// Bytes that a body may have without taking part in what follows: 4 KiB, more than nearly all of them have. There may be
    /// 1,600 bodies of sixteen connections at once.
    package var bodyBytesFree = 4_096
    /// Bytes beyond those that all bodies together may hold which are on their way or being worked on: 64 MiB.
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
    /// Bytes of a body that is taken in pieces: 50 MiB of files and what parts them.
    package var uploadBytesMax = (50 << 20) + (1 << 20)
    /// The longest that such a request may take as a whole; between two pieces `bodyTimeout` may pass.
    package var uploadTimeout = Duration.seconds(600)
    /// The longest that a client may take to send a body, part of the above.
    package var bodyTimeout = Duration.seconds(20)
    /// How long a connection lives on after a body that came too slowly, so that the refusal can be read.
    package var farewellTimeout = Duration.seconds(2)
    /// The longest that a client may take to read a piece of an answer.
    package var writeTimeout = Duration.seconds(30)
    /// Bytes of such a piece: 64 KiB, as slow as 2.1 KiB/s.
    package var writePieceBytes = 65_536
    /// Bytes of a larger answer that are on their way to one client: 16 KiB at a time.
    package var answerPieceBytes = 16_384
    /// Bytes of an Idempotency-Key.
    package var idempotencyKeyBytesMax = 255
    /// A connection without a request is closed after this.
    package var idleTimeout = Duration.seconds(60)
    /// The longest that the head of a request may take, from its first byte; over HTTP/2 also any other frame but DATA, and
    /// what a client begins with.
    package var headerTimeout = Duration.seconds(10)
    /// Frames of HTTP/2 that bring neither a request nor a part of a body, of one connection: at once.
    package var idleFramesBurst = 1_000
    /// The same in a second; requests and answers earn more, since their bytes are acknowledged so.
    package var idleFramesPerSecond = 100
    /// The time in which a connection over HTTP/2 may ask once whether anybody is there.
    package var pingInterval = Duration.seconds(30)
    /// How often in all it may ask sooner.
    package var earlyPingsMax = 2
    /// Pieces of a body over HTTP/1.1 that may be of any size.
    package var bodyPiecesFree = 1_024
    /// Bytes that pieces beyond those have at least, on an average of the whole body.
    package var bodyPieceBytesMin = 16
    /// Bytes that are parsed in one go while no body arrives: some dozens of the shortest requests over HTTP/1.1.
    package var headSliceBytes = 2_048
    /// The same while one does.
    package var bodySliceBytes = 16_384
    /// The shortest that a loop pauses between two requests that had to wait, over HTTP/1.1 for an answer that they were sent
    /// ahead of, over HTTP/2 for a place, whichever connections they are of. It pauses as long as it worked for the one before until that first
    /// waited for a service; what it works for it later is about as much as this.
    package var pipelinedPause = Duration.microseconds(300)
    /// The longest that it does.
    package var pipelinedPauseMax = Duration.milliseconds(1)
    /// Requests of an HTTP/2 connection that are in work at a time, from their header to the beginning of their answers: about
    /// as many as a browser has connections over HTTP/1.1. A trusted proxy's are not counted.
    package var streamsInWorkMax = 8
    /// Headers over HTTP/2 of one connection that are taken in one turn of the loop; the next wait in the same line. A trusted
    /// proxy's are not counted.
    package var headersAtOnceMax = 8
    /// The longest that a request is counted as one of these: who takes longer waits for others than the loop.
    package var streamPlaceTime = Duration.milliseconds(250)
    /// The longest that agreeing on TLS may take.
    package var handshakeTimeout = Duration.seconds(10)
    /// Connections at once; more wait to be accepted. Fewer where the process may not open that many files.
    package var connectionsMax = 16_384
    /// Files and connections of the process that are not left to clients: Postgres, services, logs.
    package var descriptorsKept = 256
    /// Connections of one address (of IPv6, of its first 64 bits) that is no trusted proxy; more are closed at once.
    package var addressConnectionsMax = 256
    /// Streams of one address over HTTP/2, of all its connections, that is no trusted proxy: each has a task while
    /// it is open, some 40 kB. More are refused, to be sent again.
    package var addressStreamsMax = 1_000
    /// Streams of one HTTP/2 connection that were reset here and are remembered, so that what is still on its way for them is
    /// dropped; for older ones it ends the connection. The framework remembers one less, and that has to be more than the
    /// 100 that a client may have open. What it cancels itself frees places sooner: more than 127 resets can come before what
    /// was on its way only from a client that cancels more than 27 requests within one round trip.
    package var resetStreamsKept = 128
    /// Bytes from which on an answer is packed.
    package var packedBytesMin = 1_024
    /// Bytes up to which an answer is packed: 4 MiB.
    package var packedBytesMax = 4_194_304
    /// The longest that a share of a rate limit is waited for.
    package var shareTimeout = Duration.seconds(1)

    package init() {}

    /// Connections at once of a process that may open `descriptors` files.
    package func connections(descriptors: Int) -> Int { max(1, min(connectionsMax, descriptors - descriptorsKept)) }
}
