import Contracts
import JSON
import RPC
import RatingScales

/// A rating as a request gives it: on our scale or on the person's own.
struct RatingInput: Sendable {
    let rating: DecimalTenths

    /// Throws `contradictoryValues` unless exactly one of the two is given, and for a value not on its scale.
    init(_ rating: DecimalTenths?, _ given: GivenRating?) throws(RPCError) {
        switch (rating, given) {
        case (let rating?, nil): self.rating = rating
        case (nil, let given?):
            guard let meant = given.rating else {
                throw .contradictoryValues("given: \(given.scale.rawValue) has no value \(given.value)")
            }
            self.rating = meant
        case (nil, nil): throw .contradictoryValues("rating: is required unless given is present")
        case (_?, _?): throw .contradictoryValues("given: is not allowed together with rating")
        }
    }
}
