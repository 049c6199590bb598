package import Contracts
package import JSON

/// Converts values of a person's own scale to ours, 0.1 to 10.0, and back. Pure.
extension RatingScale {
    private static let thumbsUp = DecimalTenths(tenths: 80)
    private static let thumbsDown = DecimalTenths(tenths: 40)
    /// The lowest rating that counts as thumbs up.
    private static let thumbsLine = DecimalTenths(tenths: 60)

    /// Returns the rating for `value`; nil for a value that the scale does not have.
    package func rating(of value: DecimalTenths) -> DecimalTenths? {
        let tenths = value.tenths
        switch self {
        case .ten: return tenths.isMultiple(of: 10) && (10...100).contains(tenths) ? value : nil
        case .tenDecimal: return (1...100).contains(tenths) ? value : nil
        case .fiveStars:
            return tenths.isMultiple(of: 5) && (5...50).contains(tenths) ? DecimalTenths(tenths: tenths * 2) : nil
        case .hundred:
            return tenths.isMultiple(of: 10) && (10...1_000).contains(tenths)
                ? DecimalTenths(tenths: tenths / 10) : nil
        case .thumbs:
            switch tenths {
            case 0: return Self.thumbsDown
            case 10: return Self.thumbsUp
            default: return nil
            }
        }
    }

    /// Returns the value nearest to `rating`, rounding halves up; never a value that means "not rated".
    package func value(of rating: DecimalTenths) -> DecimalTenths {
        let tenths = rating.tenths
        switch self {
        case .ten: return DecimalTenths(tenths: 10 * tenths.roundedToTen)
        case .tenDecimal: return rating
        case .fiveStars: return DecimalTenths(tenths: 5 * tenths.roundedToTen)
        case .hundred: return DecimalTenths(tenths: 10 * tenths)
        case .thumbs: return DecimalTenths(tenths: rating < Self.thumbsLine ? 0 : 10)
        }
    }
}

extension GivenRating {
    /// The rating expressed by this value; nil for a value that its scale does not have.
    package var rating: DecimalTenths? { scale.rating(of: value) }
}

extension Int {
    /// A rating in tenths as a whole number from 1 to 10, rounding halves up.
    var roundedToTen: Int { Swift.min(10, Swift.max(1, (self + 5) / 10)) }
}
