package import Contracts
package import JSON

/// What the other side, Trakt or Simkl, can hold of ours. Plans compare projections, so what it cannot hold is never
/// missing there, and a value rounded to its scale is not a change.
package enum RemoteProjection {
    /// Whole numbers from 1 to 10; halves are rounded up.
    package static func rating(_ rating: DecimalTenths) -> Int { min(10, max(1, (rating.tenths + 5) / 10)) }

    /// Returns what a rating there means here.
    package static func rating(_ theirs: Int) -> DecimalTenths? {
        (1...10).contains(theirs) ? DecimalTenths(tenths: theirs * 10) : nil
    }

    /// To the minute; noon UTC of a day; nil if the date is unknown, which they can hold too.
    package static func watchedAt(_ moment: PlayMoment) -> Timestamp? {
        switch moment {
        case .second(let at, _), .minute(let at, _):
            let micros = at.microsecondsSinceEpoch
            return Timestamp(clampingMicrosecondsSinceEpoch: micros - ((micros % 60_000_000) + 60_000_000) % 60_000_000)
        case .day: return moment.listedAt
        case .unknown: return nil
        }
    }

    /// Whether a play is sent there: a scrobble below the connection's threshold is not.
    package static func holds(percent: Double?, thresholdPercent: Double) -> Bool {
        percent.map { $0 >= thresholdPercent } ?? true
    }
}
