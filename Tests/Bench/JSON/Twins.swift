import Foundation

/// `FoundRatings` as one would write it for Foundation, with the same types for the same members.
struct TypedPage: Codable, Equatable {
    struct Item: Codable, Equatable {
        let title: UUID
        let kind: Kind
        let rating: Double
        let review: String?
        let spoiler: Bool
        let ratedAt: Date
        let updatedAt: Date

        enum CodingKeys: String, CodingKey {
            case title, kind, rating, review, spoiler
            case ratedAt = "rated_at"
            case updatedAt = "updated_at"
        }
    }

    enum Kind: String, Codable {
        case movie, series, season, episode
    }

    let ratings: [Item]
}

/// The same with every member as it appears in JSON, so that Foundation parses neither dates nor ids.
struct StringsPage: Codable, Equatable {
    struct Item: Codable, Equatable {
        let title: String
        let kind: String
        let rating: Double
        let review: String?
        let spoiler: Bool
        let ratedAt: String
        let updatedAt: String

        enum CodingKeys: String, CodingKey {
            case title, kind, rating, review, spoiler
            case ratedAt = "rated_at"
            case updatedAt = "updated_at"
        }
    }

    let ratings: [Item]
}
