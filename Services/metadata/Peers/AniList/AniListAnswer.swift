package import JSON

/// Tells AniList's failures apart; they may come with status 200.
package enum AniListAnswer {
    /// Returns the `data` of the answer, or throws what its errors mean.
    package static func data(
        _ answer: ProviderHTTPAnswer, limits: ProviderLimits
    ) throws(ProviderError) -> JSONView {
        let value: JSONView
        do throws(ProviderError) {
            value = try answer.json(keeping: AniListMapping.members)
        } catch {
            // Not AniList's own answer: the status is all there is.
            throw answer.failure(limits) ?? error
        }
        if let first = value["errors"].array.first {
            throw failure(status: first["status"].int ?? answer.status, answer, limits)
        }
        guard answer.status == 200 else { throw failure(status: answer.status, answer, limits) }
        return value["data"]
    }

    private static func failure(
        status: Int, _ answer: ProviderHTTPAnswer, _ limits: ProviderLimits
    ) -> ProviderError {
        switch status {
        case 404: .notFound
        case 429: .rateLimited(retryAfter: answer.retryAfter(atMost: limits.retryAfterMax))
        // The whole service is switched off, which has nothing to do with us.
        case 403: .unavailable("AniList has switched off its service")
        case 400: .malformed("the request was refused")
        default: .unavailable("AniList reports status \(status)")
        }
    }
}
