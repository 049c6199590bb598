import CNghttp2
import Testing

/// Builds HTTP/2 frames byte by byte, including broken ones.
enum Raw {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32, _ payload: [UInt8] = []) -> [UInt8] {
        let count = payload.count
        return [UInt8(count >> 16 & 0xff), UInt8(count >> 8 & 0xff), UInt8(count & 0xff), type, flags]
            + word(stream) + payload
    }

    static func word(_ value: UInt32) -> [UInt8] {
        [UInt8(value >> 24), UInt8(value >> 16 & 0xff), UInt8(value >> 8 & 0xff), UInt8(value & 0xff)]
    }

    static func settings(_ entries: [(UInt16, UInt32)] = []) -> [UInt8] {
        frame(4, stream: 0, entries.flatMap { [UInt8($0.0 >> 8), UInt8($0.0 & 0xff)] + word($0.1) })
    }

    static let settingsAck = frame(4, flags: 1, stream: 0)
    static func ping(_ mark: UInt8 = 0) -> [UInt8] { frame(6, stream: 0, [UInt8](repeating: mark, count: 8)) }
    static func reset(_ stream: UInt32, _ code: UInt32 = 8) -> [UInt8] { frame(3, stream: stream, word(code)) }
    static func window(_ stream: UInt32, _ increment: UInt32) -> [UInt8] { frame(8, stream: stream, word(increment)) }
    static func priority(_ stream: UInt32, on parent: UInt32 = 0) -> [UInt8] {
        frame(2, stream: stream, word(parent) + [16])
    }
    static func data(_ stream: UInt32, _ body: [UInt8], end: Bool = true) -> [UInt8] {
        frame(0, flags: end ? 1 : 0, stream: stream, body)
    }
    static func goAway(_ last: UInt32 = 0, _ code: UInt32 = 0) -> [UInt8] {
        frame(7, stream: 0, word(last) + word(code))
    }

    /// An HPACK literal field without indexing or Huffman coding.
    static func field(_ name: String, _ value: String) -> [UInt8] {
        [0x00] + string(name) + string(value)
    }

    static func string(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        guard bytes.count >= 127 else { return [UInt8(bytes.count)] + bytes }
        var rest = bytes.count - 127
        var length: [UInt8] = [127]
        while rest >= 128 {
            length.append(UInt8(rest % 128 + 128))
            rest /= 128
        }
        return length + [UInt8(rest)] + bytes
    }

    static let post: [(String, String)] = [
        (":method", "POST"), (":scheme", "http"), (":path", "/echo"), (":authority", "test"),
    ]

    static func block(_ fields: [(String, String)]) -> [UInt8] { fields.flatMap { field($0.0, $0.1) } }

    static func headers(
        _ stream: UInt32, _ fields: [(String, String)] = post, end: Bool = true, endHeaders: Bool = true
    ) -> [UInt8] {
        frame(1, flags: (end ? 1 : 0) | (endHeaders ? 4 : 0), stream: stream, block(fields))
    }

    static func post(_ path: String) -> [(String, String)] { post.map { $0.0 == ":path" ? (":path", path) : $0 } }
}

/// A frame sent by the peer, with the status if it is the first HEADERS frame of a response.
struct ReceivedFrame: Sendable, CustomStringConvertible {
    let type: UInt8
    let flags: UInt8
    let stream: UInt32
    let payload: [UInt8]
    let status: Int?

    func word(at offset: Int) -> UInt32? {
        guard payload.count >= offset + 4 else { return nil }
        return payload[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }

    var description: String {
        switch type {
        case 1: "HEADERS(\(stream), \(status ?? 0))"
        case 3: "RST_STREAM(\(stream), \(word(at: 0) ?? 99))"
        case 7: "GOAWAY(last \(word(at: 0) ?? 0), \(word(at: 4) ?? 99))"
        default: "frame \(type)(\(stream), flags \(flags), \(payload.count) bytes)"
        }
    }
}

/// Splits a byte stream into frames and decodes header blocks with libnghttp2's decoder.
final class FrameReader {
    private var bytes: [UInt8] = []
    private var inflater: OpaquePointer?

    init() { nghttp2_hd_inflate_new(&inflater) }
    deinit { nghttp2_hd_inflate_del(inflater) }

    func append(_ more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }

    func next() -> ReceivedFrame? {
        guard bytes.count >= 9 else { return nil }
        let count = Int(bytes[0]) << 16 | Int(bytes[1]) << 8 | Int(bytes[2])
        guard bytes.count >= 9 + count else { return nil }
        let stream = bytes[5..<9].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } & 0x7fff_ffff
        let payload = Array(bytes[9..<9 + count])
        defer { bytes.removeFirst(9 + count) }
        return ReceivedFrame(
            type: bytes[3], flags: bytes[4], stream: stream, payload: payload,
            status: bytes[3] == 1 ? status(in: payload) : nil)
    }

    private func status(in block: [UInt8]) -> Int? {
        var status: Int?
        var block = block
        block.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            var offset = 0
            while true {
                var field = nghttp2_nv()
                var flags: Int32 = 0
                let count = nghttp2_hd_inflate_hd2(
                    inflater, &field, &flags, base + offset, buffer.count - offset, 1)
                guard count >= 0 else { return }
                offset += count
                if flags & Int32(NGHTTP2_HD_INFLATE_EMIT.rawValue) != 0 {
                    let name = String(
                        decoding: UnsafeBufferPointer(start: field.name, count: field.namelen), as: UTF8.self)
                    let value = String(
                        decoding: UnsafeBufferPointer(start: field.value, count: field.valuelen), as: UTF8.self)
                    if name == ":status" { status = Int(value) }
                }
                if flags & Int32(NGHTTP2_HD_INFLATE_FINAL.rawValue) != 0 {
                    nghttp2_hd_inflate_end_headers(inflater)
                    return
                }
            }
        }
        return status
    }
}
