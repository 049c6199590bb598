import TestSupport
import Testing

@testable import Edge

/// Whether a client's bytes end inside a frame or header block, however they are split.
@Suite struct FrameProgressTests {
    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    private static func frame(_ type: UInt8, _ flags: UInt8 = 0, length: Int = 0) -> [UInt8] {
        [UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255), type, flags, 0, 0, 0, 1]
            + [UInt8](repeating: 4, count: length)
    }

    /// What a client sends, and the byte counts after which nothing more is expected.
    private static let script: (bytes: [UInt8], rests: Set<Int>) = {
        var bytes = preface
        var rests: Set<Int> = []
        func add(_ frame: [UInt8], rests isRest: Bool) {
            bytes += frame
            if isRest { rests.insert(bytes.count) }
        }
        add(frame(4, length: 6), rests: true)
        add(frame(6, length: 8), rests: true)
        add(frame(4, 1), rests: true)
        // A header block in three frames, the first of them empty.
        add(frame(1, 1), rests: false)
        add(frame(9, length: 300), rests: false)
        add(frame(9, 4, length: 2), rests: true)
        add(frame(1, 4, length: 70_000), rests: true)
        add(frame(8, length: 4), rests: true)
        let body = frame(0, 1, length: 500)
        // Inside a body, it is the body's reader that waits for the rest.
        for count in 0..<500 { rests.insert(bytes.count + 9 + count) }
        add(body, rests: true)
        add(frame(0xBB, length: 3), rests: true)
        return (bytes, rests)
    }()

    @Test("Byte by byte")
    func bytes() {
        var progress = FrameProgress()
        #expect(progress.isWaiting)
        for (place, byte) in Self.script.bytes.enumerated() {
            progress.take([byte])
            let isRest = Self.script.rests.contains(place + 1)
            #expect(progress.isWaiting == !isRest, "after \(place + 1) bytes")
        }
        #expect(progress.frameCount == 10)
    }

    @Test("In pieces of any size")
    func pieces() {
        var random = SeededRandom(seed: UInt64.random(in: 0 ... .max))
        let seed = random.seed
        for _ in 0..<200 {
            var progress = FrameProgress()
            var place = 0
            while place < Self.script.bytes.count {
                let end = min(place + Int.random(in: 1...4_000, using: &random), Self.script.bytes.count)
                progress.take(Self.script.bytes[place..<end])
                place = end
                #expect(progress.isWaiting == !Self.script.rests.contains(place), "seed \(seed), \(place)")
            }
            #expect(progress.frameCount == 10, "seed \(seed)")
        }
    }

    @Test("Cut behind so many headers, the pieces are the whole")
    func headers() {
        for most in 0...3 {
            var progress = FrameProgress()
            var rest = Self.script.bytes[...]
            while !rest.isEmpty {
                let before = progress.headerCount
                rest = rest.dropFirst(progress.take(rest, headersMax: most))
                // The last of them has only begun.
                #expect(progress.headerCount - before <= most + 1)
                #expect(rest.isEmpty || progress.isWaiting)
            }
            #expect(progress.frameCount == 10 && progress.headerCount == 2)
        }
    }

    @Test("Frames that bring nothing are counted, and so are headers")
    func counts() {
        var progress = FrameProgress()
        progress.take(Self.script.bytes)
        // Two SETTINGS, a PING, a WINDOW_UPDATE and one of an unknown type.
        #expect(progress.idleFrameCount == 5)
        #expect(progress.headerCount == 2)
        progress.take(Self.frame(0))
        #expect(progress.idleFrameCount == 6, "DATA without data")
        progress.take(Self.frame(0, length: 15))
        #expect(progress.idleFrameCount == 7, "a part that is hardly one")
        progress.take(Self.frame(0, length: 16) + Self.frame(0, 1, length: 1))
        #expect(progress.idleFrameCount == 7, "a part, and the end of a body")
    }

    @Test("So many frames at once, so many in a second, and more for requests and answers")
    func allowance() {
        var allowance = FrameAllowance(burst: 100, rate: 10)
        func spend(_ idle: UInt64, headers: UInt64 = 0, sent: Int = 0, after seconds: Int = 0) -> Bool {
            allowance.spend(idle: idle, headers: headers, sentBytes: sent, within: .seconds(seconds))
        }
        #expect(spend(100))
        #expect(spend(10, after: 1))
        #expect(spend(8, headers: 2))
        #expect(spend(3, sent: 3 * 1_024))
        #expect(spend(100, after: 3_600), "it does not grow beyond what is allowed at once")
        #expect(!spend(1))
    }
}
