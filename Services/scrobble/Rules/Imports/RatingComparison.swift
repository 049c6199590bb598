package import Contracts
package import JSON

/// Compares a rating from a file with the existing one, by the rules of `ratings.writeRatings` with `only_newer`.
package enum RatingComparison {
    /// An undated rating is not news if there is one, and neither is one dated to a day for which another was already
    /// brought here.
    package static func outcome(
        of rating: ImportPlan.Rating, against known: Rating?
    ) -> ImportVerdicts.Outcome {
        guard let known else { return .new }
        let isSameText = rating.review == nil || rating.review == known.review && rating.spoiler == known.spoiler
        if let moment = rating.at, moment > known.ratedAt, !isBrought(known, of: rating.day) { return .update }
        return known.rating == rating.rating && isSameText ? .same : .older
    }

    /// Whether a rating that is not newer by its date was changed where `known` came from. Letterboxd keeps dating a
    /// rating to the day it was first given; if one brought from there has another value now under the same day, it was
    /// changed there, unless someone has rated the title here, or by another road, since. A diary records what was
    /// given at the time: it counts only if what is here came from the previous value of its entry, `entry`. What an
    /// undo put back may be what was brought, judging by its date; its changes tell whose it was.
    package static func isEdited(_ rating: ImportPlan.Rating, _ known: Rating, entry: DecimalTenths?) -> Bool {
        guard let moment = rating.at, rating.isPresent || entry == known.rating else { return false }
        if known.source == .undo { return isBrought(known, of: rating.day) }
        return known.source == .letterboxd && (moment == known.ratedAt || isBrought(known, of: rating.day))
    }

    /// Whether a rating that did not come from a click is dated to the start of a day in any time zone: days start at a
    /// quarter of an hour, first in UTC+14, last in UTC−12.
    private static func isBrought(_ known: Rating, of day: CalendarDate?) -> Bool {
        guard let day, let source = known.source, source != .person else { return false }
        let apart = Timestamp(day).duration(to: known.ratedAt)
        return apart >= .seconds(-14 * 3_600) && apart <= .seconds(12 * 3_600)
            && known.ratedAt.microsecondsSinceEpoch.isMultiple(of: 900_000_000)
    }
}
