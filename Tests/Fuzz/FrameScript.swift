/// A compact encoding of a list of frames, so that random input produces complete frames.
///
/// Each entry begins with a byte that gives its kind: one of the ten of RFC 9113 §6, or a well-formed request. A frame
/// continues with its flags, stream, length and payload; a request with its options, which choose the stream and body.
struct FrameScript {
    private var input: ArraySlice<UInt8>
    private var nextRequestID: UInt8 = 1

    private init(_ input: [UInt8]) { self.input = input[...] }

    /// The frames that `input` encodes.
    static func bytes(of input: [UInt8]) -> [UInt8] {
        var script = FrameScript(input)
        return script.bytes()
    }

    /// The beginning of a client's connection: the preface and empty SETTINGS.
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(4, 0, 0, [])

    /// HPACK (RFC 7541): POST, http, and a path and two fields as literals.
    private static let requestBlock: [UInt8] =
        [0x83, 0x86, 0x44, 4] + Array("/rpc".utf8) + [0x5f, 16] + Array("application/json".utf8)
        + [0x00, 1] + Array("x".utf8) + [1] + Array("y".utf8)

    private mutating func bytes() -> [UInt8] {
        var output: [UInt8] = []
        while let kind = input.popFirst(), output.count < 65_536 {
            switch kind & 0x1f {
            case 0...9:
                let (flags, stream, count) = (byte(), byte(), Int(byte()))
                let payload = input.prefix(count)
                input = input.dropFirst(count)
                output += Self.frame(kind & 0x1f, flags, stream, payload)
            case 10...24: output += request(byte())
            case 25: output += Self.frame(4, 1, 0, [])
            case 26: output += Self.frame(8, 0, byte() & 0x0f, [0, 0, byte(), 1])
            case 27: output += Self.frame(1, 0x05, byte(), [0x88])
            case 28: output += Self.frame(1, 0x04, byte(), [0x88]) + Self.frame(0, 1, byte(), input.prefix(8))
            default: output.append(byte())
            }
        }
        return output
    }

    private mutating func byte() -> UInt8 { input.popFirst() ?? 0 }

    /// A request on the next stream: without a body, with one, with one that does not end, reset at once, or ended by
    /// trailers.
    private mutating func request(_ options: UInt8) -> [UInt8] {
        let stream = nextRequestID
        nextRequestID = nextRequestID < 250 ? nextRequestID + 2 : 1
        let head = { (flags: UInt8) in Self.frame(1, flags, stream, Self.requestBlock[...]) }
        let body = ArraySlice(repeating: options, count: Int(options) * 3)
        switch options % 5 {
        case 0: return head(0x05)
        case 1: return head(0x04) + Self.frame(0, 1, stream, body)
        case 2: return head(0x04) + Self.frame(0, 0, stream, body)
        case 3: return head(0x05) + Self.frame(3, 0, stream, [0, 0, 0, 8])
        default: return head(0x04) + Self.frame(0, 0, stream, body) + Self.frame(1, 0x05, stream, [])
        }
    }

    private static func frame(
        _ type: UInt8, _ flags: UInt8, _ stream: UInt8, _ payload: ArraySlice<UInt8>
    ) -> [UInt8] {
        [0, UInt8(payload.count >> 8), UInt8(payload.count & 0xff), type, flags, 0, 0, 0, stream] + payload
    }
}
