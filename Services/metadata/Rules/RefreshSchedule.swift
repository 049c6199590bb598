/// When a title is asked about again.
package enum RefreshSchedule {
    /// What the time of the next refresh depends on.
    package struct Title: Sendable, Hashable {
        package let kind: SubjectKind
        /// Days since 1970; nil if the date is unknown.
        package let releasedDay: Int64?
        package let hasScore: Bool
        /// Whether somebody looked at it since the last refresh.
        package let isWanted: Bool
        /// Whether its last day is known.
        package let hasEnded: Bool

        package init(kind: SubjectKind, releasedDay: Int64?, hasScore: Bool, isWanted: Bool, hasEnded: Bool) {
            self.kind = kind
            self.releasedDay = releasedDay
            self.hasScore = hasScore
            self.isWanted = isWanted
            self.hasEnded = hasEnded
        }
    }

    private static let day: Int64 = 86_400

    /// Returns the seconds from one refresh to the next: a day in the first month; a week in the first year, while
    /// nobody has rated the title, and while it is a series that may get a new season; a month after that. Titles that
    /// nobody looks at wait three times as long.
    package static func interval(_ title: Title, today: Int64) -> Int64 {
        let age = title.releasedDay.map { today - $0 }
        let days: Int64 =
            switch age {
            case .some(..<30): 1
            case .some(..<365): 7
            case .some, .none: title.hasScore && (title.kind != .series || title.hasEnded) ? 30 : 7
            }
        return days * day * (title.isWanted ? 1 : 3)
    }

    /// Returns the interval, lengthened by up to a fifth depending on `seed`, so that titles that came together do not
    /// come again together.
    package static func jittered(_ seconds: Int64, seed: UInt64) -> Int64 {
        seconds + seconds * (Int64((seed &* 0x9e37_79b9_7f4a_7c15) >> 40) % 2_001) / 10_000
    }

    /// Returns the seconds until a title is retried after the `attempt`th turn in a row, from 1, in which a provider,
    /// or storing what was said, failed: an hour, doubling up to a day.
    package static func retry(attempt: Int) -> Int64 { min(3_600 << Int64(min(max(attempt, 1) - 1, 5)), day) }
}
