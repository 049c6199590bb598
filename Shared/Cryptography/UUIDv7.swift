internal import Synchronization

/// A version 7 UUID (RFC 9562 §5.7), which sorts by the millisecond of its creation.
package struct UUIDv7: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    fileprivate init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Parses 36 characters with hexadecimal digits in either case; nil unless version and variant are right.
    package init?(_ text: String) {
        let characters = Array(text.utf8)
        guard characters.count == 36 else { return nil }
        var words: [UInt64] = [0, 0]
        var digitCount = 0
        for (index, character) in characters.enumerated() {
            if [8, 13, 18, 23].contains(index) {
                guard character == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let digit = Hex.digit(character) else { return nil }
            words[digitCount / 16] = words[digitCount / 16] << 4 | UInt64(digit)
            digitCount += 1
        }
        guard words[0] >> 12 & 15 == 7, words[1] >> 62 == 0b10 else { return nil }
        self.init(high: words[0], low: words[1])
    }

    /// The 16 bytes, most significant first.
    package var bytes: [UInt8] {
        [high, low].flatMap { word in
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt64($0)) }
        }
    }

    /// Milliseconds since 1970 in UTC, 0 … 2^48 − 1.
    package var unixMilliseconds: Int64 { Int64(high >> 16) }

    /// 36 characters in lowercase.
    package var description: String {
        let digits = Array(Hex.encode(bytes).utf8)
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for (index, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(index) { text.append(UInt8(ascii: "-")) }
            text.append(digit)
        }
        return String(decoding: text, as: UTF8.self)
    }

    package static func < (left: UUIDv7, right: UUIDv7) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

/// A source of strictly increasing UUIDs, even within one millisecond and when the clock steps back.
package final class UUIDv7Source: Sendable {
    private struct State {
        var milliseconds: UInt64 = 0
        var counter: UInt64 = 0
    }

    /// The maximum of 48 bits.
    private static let millisecondsMax: UInt64 = 1 << 48 - 1
    /// The maximum of 12 bits.
    private static let counterMax: UInt64 = 1 << 12 - 1

    private let state = Mutex(State())

    package init() {}

    /// Returns the next UUID; the caller supplies the time, in milliseconds since 1970 (clamped to 0 … 2^48 − 1).
    ///
    /// RFC 9562 §6.2 method 1: a 12-bit counter, seeded at random in its lower half in each new millisecond; a counter
    /// that overflows borrows the next millisecond.
    package func next(atUnixMilliseconds time: Int64) -> UUIDv7 {
        let random = RandomBytes.make(10)
        let now = min(UInt64(max(0, time)), Self.millisecondsMax)
        let stamp = state.withLock { state in
            if now > state.milliseconds {
                state.milliseconds = now
                state.counter = UInt64(random[0] & 0x07) << 8 | UInt64(random[1])
            } else if state.counter < Self.counterMax {
                state.counter += 1
            } else {
                state.milliseconds = min(state.milliseconds + 1, Self.millisecondsMax)
                state.counter = 0
            }
            return state
        }
        let tail = random[2...].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return UUIDv7(
            high: stamp.milliseconds << 16 | 7 << 12 | stamp.counter, low: 0b10 << 62 | tail & (1 << 62 - 1))
    }
}
