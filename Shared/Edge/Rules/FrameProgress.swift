/// Whether the bytes of an HTTP/2 client so far end within something that should be sent without delay: the preface, a
/// frame or a header (RFC 9113 §3.4, §4.1, §6.10). Knows no clock, and keeps none of the bytes.
struct FrameProgress: Sendable, Hashable {
    private enum FrameType {
        static let data: UInt8 = 0
        static let headers: UInt8 = 1
        static let settings: UInt8 = 4
        static let continuation: UInt8 = 9
    }

    private static let prefaceBytes = 24
    private static let frameHeadBytes = 9
    private static let endStream: UInt8 = 1
    private static let endHeaders: UInt8 = 4
    /// The smallest payload with which a DATA frame is not idle, unless it is the last: while its request waits, each
    /// part is kept separately, at a cost far above its bytes.
    private static let partBytesMin = 16

    private var prefaceLeft = prefaceBytes
    /// Bytes of a frame header that have arrived; its first five tell all that matters.
    private var headCount = 0
    private var payloadLeft = 0
    private var type: UInt8 = 0
    private var flags: UInt8 = 0
    private var isWithinBlock = false
    private var hasSettings = false

    /// The number of complete frames.
    private(set) var frameCount: UInt64 = 0
    /// The number of those that carry neither a request nor a part of its body worth a frame.
    private(set) var idleFrameCount: UInt64 = 0
    /// The number of headers that have begun.
    private(set) var headerCount: UInt64 = 0
    /// How often nothing was incomplete after a frame.
    private(set) var restCount: UInt64 = 0

    /// Whether the preface, a frame other than DATA, or the frames of a header have begun and not ended. DATA is
    /// subject to the time limit of its body.
    var isWaiting: Bool {
        !hasSettings || isWithinBlock || headCount > 0 || payloadLeft > 0 && type != FrameType.data
    }

    /// Takes bytes up to and including the first ones of the header that exceeds `headersMax`; returns their number.
    @discardableResult
    mutating func take(_ bytes: some Collection<UInt8>, headersMax: Int = .max) -> Int {
        var rest = bytes[...]
        let headersBefore = headerCount
        if prefaceLeft > 0 {
            let count = min(prefaceLeft, rest.count)
            prefaceLeft -= count
            rest = rest.dropFirst(count)
        }
        while !rest.isEmpty, headerCount - headersBefore <= headersMax {
            if payloadLeft > 0 {
                let count = min(payloadLeft, rest.count)
                payloadLeft -= count
                rest = rest.dropFirst(count)
                if payloadLeft == 0 { endFrame() }
            } else if let byte = rest.popFirst() {
                takeHead(byte)
            }
        }
        return bytes.count - rest.count
    }

    private mutating func takeHead(_ byte: UInt8) {
        switch headCount {
        case 0: length = Int(byte)
        case 1, 2: length = length << 8 | Int(byte)
        case 3: nextType = byte
        case 4: nextFlags = byte
        default: break
        }
        headCount += 1
        guard headCount == Self.frameHeadBytes else { return }
        headCount = 0
        (type, flags, payloadLeft) = (nextType, nextFlags, length)
        if type == FrameType.headers {
            isWithinBlock = true
            headerCount += 1
        }
        if payloadLeft == 0 { endFrame() }
    }

    private var length = 0
    private var nextType: UInt8 = 0
    private var nextFlags: UInt8 = 0

    private mutating func endFrame() {
        frameCount += 1
        if type == FrameType.settings { hasSettings = true }
        if type == FrameType.headers || type == FrameType.continuation, flags & Self.endHeaders != 0 {
            isWithinBlock = false
        }
        let isPart = length >= Self.partBytesMin || length > 0 && flags & Self.endStream != 0
        let brings = type == FrameType.headers || type == FrameType.continuation || type == FrameType.data && isPart
        if !brings { idleFrameCount += 1 }
        if hasSettings, !isWithinBlock { restCount += 1 }
    }
}

/// How many idle frames a client may still send: some at once, some per second, and more as it sends requests and gets
/// answers, whose bytes it has to acknowledge (RFC 9113 §6.9). Knows no clock.
struct FrameAllowance: Sendable, Hashable {
    /// Frames at once.
    let burst: Int
    /// Frames per second.
    let rate: Int
    private var spare: Double

    /// Frames earned per header, and bytes of answers that earn a frame.
    private static let framesPerHeader = 4.0
    private static let bytesPerFrame = 1_024.0

    init(burst: Int, rate: Int) {
        self.burst = burst
        self.rate = rate
        spare = Double(burst)
    }

    /// Accounts for the time since the last call, and what was received and sent in it; returns false if the allowance
    /// is exceeded.
    mutating func spend(idle: UInt64, headers: UInt64, sentBytes: Int, within time: Duration) -> Bool {
        let earned =
            Double(rate) * (time / .seconds(1)) + Self.framesPerHeader * Double(headers)
            + Double(sentBytes) / Self.bytesPerFrame
        spare = min(Double(burst), spare + earned) - Double(idle)
        return spare >= 0
    }
}
