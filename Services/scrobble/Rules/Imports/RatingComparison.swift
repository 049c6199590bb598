package import Contracts
package import JSON

/// What a rating of a file comes to against the one that is here, as `ratings.writeRatings` with `only_newer` decides it.
package enum RatingComparison {
    /// A rating without a date is no news where there is one, nor is one of a day where another of that day was brought here.
    package static func outcome(
        of rating: ImportPlan.Rating, against known: Rating?
    ) -> ImportVerdicts.Outcome {
        guard let known else { return .new }
        let isSameText = rating.review == nil || rating.review == known.review && rating.spoiler == known.spoiler
        if let moment = rating.at, moment > known.ratedAt, !isBrought(known, of: rating.day) { return .update }
        return known.rating == rating.rating && isSameText ? .same : .older
    }

    /// Whether a rating that is not newer by its date was changed where `known` came from. Letterboxd dates a rating to the day of
    /// the first one, whatever becomes of it; what was brought from there and is another one now under the same day was changed
    /// there, unless somebody has rated the title here, or by another road, since. A diary says what was given then: it counts where
    /// its entry has changed, from `entry`, that what is here came from. What an undo put back may be what was brought, by its date: whose
    /// it was its changes tell.
    package static func isEdited(_ rating: ImportPlan.Rating, _ known: Rating, entry: DecimalTenths?) -> Bool {
        guard let moment = rating.at, rating.isPresent || entry == known.rating else { return false }
        if known.source == .undo { return isBrought(known, of: rating.day) }
        return known.source == .letterboxd && (moment == known.ratedAt || isBrought(known, of: rating.day))
    }

    /// Whether a rating that nobody clicked is dated to where a day begins, whatever its person's time zone was then: the day
    /// begins at a quarter of an hour, first in UTC+14, last in UTC−12.
    private static func isBrought(_ known: Rating, of day: CalendarDate?) -> Bool {
        guard let day, let source = known.source, source != .person else { return false }
        let apart = Timestamp(day).duration(to: known.ratedAt)
        return apart >= .seconds(-14 * 3_600) && apart <= .seconds(12 * 3_600)
            && known.ratedAt.microsecondsSinceEpoch.isMultiple(of: 900_000_000)
    }
}
