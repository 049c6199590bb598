package import Contracts

/// What a rating of a file comes to against the one that is here, as `ratings.writeRatings` with `only_newer` decides it.
package enum RatingComparison {
    /// A rating without a date is no news where there is one.
    package static func outcome(
        of rating: ImportPlan.Rating, against known: Rating?
    ) -> ImportVerdicts.Outcome {
        guard let known else { return .new }
        let isSameText = rating.review == nil || rating.review == known.review && rating.spoiler == known.spoiler
        if let moment = rating.at, moment > known.ratedAt { return .update }
        return known.rating == rating.rating && isSameText ? .same : .older
    }
}
