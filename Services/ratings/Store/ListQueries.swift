import Contracts
import Postgres
import Store

/// The queries of a person's list: one per shape, which mentions only what it compares.
enum ListQueries {
    /// The part of a list's filter that determines the text of the query.
    struct Shape: Hashable {
        enum Review: CaseIterable { case any, none, some, containing }

        let sort: RatingSort
        /// Whether ratings are compared. In order of date, that was a quarter of Postgres' work for a page; the other
        /// orders always compare them, as Postgres otherwise takes the index by date and sorts.
        let hasRatings: Bool
        let hasKind: Bool
        let review: Review

        init(sort: RatingSort, hasRatings: Bool, hasKind: Bool, review: Review) {
            self.sort = sort
            self.hasRatings = hasRatings || !(sort == .newest || sort == .oldest)
            self.hasKind = hasKind
            self.review = review
        }
    }

    /// What a list may compare. Only what is used is sent: Postgres would parse the rest all the same.
    enum Parameter {
        case user, from, until, lowest, highest
        /// The position to continue from.
        case placeMoment, placeRating, placeTitle
        case rowsMax, kind, words
    }

    /// A query, and the meaning of its `$1`, `$2` and so on.
    struct List: Sendable {
        let statement: PGStatement<Rating>
        let parameters: [Parameter]
    }

    static let lists: [Shape: List] = {
        var lists: [Shape: List] = [:]
        for sort in RatingSort.allCases {
            for hasRatings in [false, true] {
                for hasKind in [false, true] {
                    for review in Shape.Review.allCases {
                        let shape = Shape(sort: sort, hasRatings: hasRatings, hasKind: hasKind, review: review)
                        lists[shape] = list(shape)
                    }
                }
            }
        }
        return lists
    }()

    /// In the order `newest`, the position must be no later than `until` (`RatingPlace.held`).
    private static func list(_ shape: Shape) -> List {
        var parameters: [Parameter] = []
        func sent(_ parameter: Parameter) -> String {
            parameters.append(parameter)
            return "$\(parameters.count)"
        }
        var conditions = ["user_id = \(sent(.user))", "rated_at >= \(sent(.from))"]
        // The position already implies `until`. Where ratings are compared, Postgres would rather sort without it.
        if shape.sort != .newest || shape.hasRatings { conditions.append("rated_at < \(sent(.until))") }
        if shape.hasRatings { conditions.append("rating BETWEEN \(sent(.lowest)) AND \(sent(.highest))") }
        let order: String
        switch shape.sort {
        case .newest:
            conditions.append("(rated_at, media_id) < (\(sent(.placeMoment)), \(sent(.placeTitle)))")
            order = "rated_at DESC, media_id DESC"
        case .oldest:
            conditions.append("(rated_at, media_id) > (\(sent(.placeMoment)), \(sent(.placeTitle)))")
            order = "rated_at, media_id"
        case .best:
            let place = "\(sent(.placeRating)), \(sent(.placeMoment)), \(sent(.placeTitle))"
            conditions.append("(rating, rated_at, media_id) < (\(place))")
            order = "rating DESC, rated_at DESC, media_id DESC"
        case .worst:
            let place = "\(sent(.placeRating)), \(sent(.placeMoment)), \(sent(.placeTitle))"
            conditions.append("(rating, rated_at, media_id) > (\(place))")
            order = "rating, rated_at, media_id"
        case .title:
            conditions.append("media_id > \(sent(.placeTitle))")
            order = "media_id"
        }
        if shape.hasKind { conditions.append("media_type = \(sent(.kind))") }
        switch shape.review {
        case .any: break
        case .none: conditions.append("review IS NULL")
        case .some: conditions.append("review IS NOT NULL")
        case .containing:
            conditions.append(
                "strpos(lower(review COLLATE \"und-x-icu\"), lower(\(sent(.words)) COLLATE \"und-x-icu\")) > 0")
            conditions.append("review IS NOT NULL")
        }
        let statement = PGStatement(
            "ratings.list",
            """
            SELECT \(RatingsQueries.ratingColumns) FROM user_ratings
            WHERE \(conditions.joined(separator: " AND "))
            ORDER BY \(order) LIMIT \(sent(.rowsMax))
            """
        ) { row throws(PGError) in try RatingsQueries.rating(&row) }
        return List(statement: statement, parameters: parameters)
    }
}
