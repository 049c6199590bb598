/// When a provider may be called next, so that no stretch of time holds more calls than its pace allows: places lie on
/// a line at equal distances, and every call takes the next one.
///
/// The statement that leases places from Postgres does the same arithmetic; a test compares the two.
package struct PaceLine: Sendable, Hashable {
    /// Microseconds between two calls; above 0.
    package let stepMicroseconds: Int64
    /// The most calls a day, from 00:00 UTC; nil if there is no limit.
    package let dailyCallsMax: Int64?

    /// The places that were granted: the first, and one every `stepMicroseconds` after it.
    package struct Grant: Sendable, Hashable {
        /// Microseconds since 1970.
        package let firstMicroseconds: Int64
        /// 0 if no place was free within the wait, or the day's calls are used up.
        package let count: Int64
        package let isDayUsedUp: Bool
    }

    /// When the next call may be made, in microseconds since 1970.
    package private(set) var freeMicroseconds: Int64 = 0
    private var day: Int64 = 0
    private var dayCalls: Int64 = 0

    static let dayMicroseconds: Int64 = 86_400_000_000
    /// How much farther apart calls are than the pace says, in thousandths: a call that takes longer to arrive than
    /// those behind it comes closer to them. At one call a second this allows for 40 milliseconds.
    static let marginThousandths: Int64 = 40

    /// How much later than its place a call may be, in thousandths of the interval; the rest of the margin is left for
    /// transit.
    static let lateThousandths: Int64 = 20

    package init(callsPerInterval calls: Int, interval: Duration, dailyCallsMax: Int? = nil) {
        let (seconds, attoseconds) = interval.components
        let micros = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        stepMicroseconds = max(1, micros * (1_000 + Self.marginThousandths) / (1_000 * Int64(max(1, calls))))
        self.dailyCallsMax = dailyCallsMax.map { Int64($0) }
    }

    /// Takes up to `wanted` places that lie at most `waitMicroseconds` ahead, leaving `reserved` of the day's calls to
    /// others.
    package mutating func take(
        _ wanted: Int64, at now: Int64, waitMicroseconds: Int64, reserved: Int64 = 0
    ) -> Grant {
        let first = max(freeMicroseconds, now)
        if now / Self.dayMicroseconds != day {
            day = now / Self.dayMicroseconds
            dayCalls = 0
        }
        let left = dailyCallsMax.map { max(0, $0 - reserved - dayCalls) } ?? .max
        let ahead = first - now
        let inTime = ahead > waitMicroseconds ? 0 : (waitMicroseconds - ahead) / stepMicroseconds + 1
        let count = max(0, min(wanted, left, inTime))
        if count > 0 {
            freeMicroseconds = first + count * stepMicroseconds
            dayCalls += count
        }
        return Grant(firstMicroseconds: first, count: count, isDayUsedUp: left == 0)
    }
}
