import Contracts
import Cryptography
import JSON

/// What an idempotency key is compared by: the method and all that it was given, but for the version that was expected. The
/// same wish may come again after it was granted, when its condition no longer holds.
enum RequestDigest {
    static func of(_ params: RateTitleParams) -> [UInt8] {
        var params = params
        params.expectedVersion = nil
        return of("rateTitle", params)
    }

    static func of(_ params: UnrateTitleParams) -> [UInt8] {
        var params = params
        params.expectedVersion = nil
        return of("unrateTitle", params)
    }

    static func of(_ params: WriteRatingsParams) -> [UInt8] {
        var params = params
        for place in params.items.indices { params.items[place].expectedVersion = nil }
        return of("writeRatings", params)
    }

    static func of(_ method: String, _ params: some JSONEncodable) -> [UInt8] {
        var hash = SHA256()
        hash.update(Array(method.utf8) + [0])
        hash.update(encodeJSON(params))
        return hash.finish().bytes
    }
}
