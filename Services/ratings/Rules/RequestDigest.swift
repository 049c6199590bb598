import Contracts
import Cryptography
import JSON

/// The digest that an idempotency key is compared by: of the method and all its parameters, except the expected version
/// and the caller's refusals. A request may be repeated after it was granted, when its condition no longer holds. A
/// caller that acts for somebody else identifies the original request by a digest: the title of that may have been
/// merged by the time it is repeated.
enum RequestDigest {
    static func of(_ params: RateTitleParams) -> [UInt8] {
        if let asked = params.requestDigest { return of("rateTitle", asked: asked) }
        var params = params
        params.expectedVersion = nil
        return of("rateTitle", params)
    }

    /// The digest kept for the same request before callers sent one, by the former ids of its titles; nil if that is
    /// the same.
    static func earlier(_ params: RateTitleParams) -> (@Sendable (FormerTitles) -> [UInt8])? {
        guard params.requestDigest != nil else { return nil }
        return { former in
            var params = params
            params.requestDigest = nil
            params.title = former[params.title]
            return of(params)
        }
    }

    static func earlier(_ params: WriteRatingsParams) -> (@Sendable (FormerTitles) -> [UInt8])? {
        guard params.requestDigest != nil else { return nil }
        return { former in
            var params = params
            params.requestDigest = nil
            for place in params.items.indices { params.items[place].title = former[params.items[place].title] }
            return of(params)
        }
    }

    static func of(_ params: UnrateTitleParams) -> [UInt8] {
        var params = params
        params.expectedVersion = nil
        return of("unrateTitle", params)
    }

    static func of(_ params: WriteRatingsParams) -> [UInt8] {
        if let asked = params.requestDigest { return of("writeRatings", asked: asked) }
        var params = params
        for place in params.items.indices {
            params.items[place].expectedVersion = nil
            params.items[place].refused = nil
        }
        return of("writeRatings", params)
    }

    private static func of(_ method: String, asked: String) -> [UInt8] {
        SHA256.hash("\(method)\nasked\n\(asked)").bytes
    }

    private static func of(_ method: String, _ params: some JSONEncodable) -> [UInt8] {
        var hash = SHA256()
        hash.update(Array(method.utf8) + [0])
        hash.update(encodeJSON(params))
        return hash.finish().bytes
    }
}
