package import JSON

/// Tells AniList's failures apart, which may come with status 200.
package enum AniListAnswer {
    /// The `data` of the answer; throws what its errors mean.
    package static func data(
        _ answer: ProviderHTTPAnswer, limits: ProviderLimits
    ) throws(ProviderError) -> JSONView {
        let value: JSONView
        do throws(ProviderError) {
            value = try answer.json(keeping: AniListMapping.members)
        } catch {
            // Not even an answer of AniList's own: the status is all there is.
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
        // The whole service is switched off; that has nothing to do with us.
        case 403: .unavailable("AniList has switched its service off")
        case 400: .malformed("the question was refused")
        default: .unavailable("AniList reports status \(status)")
        }
    }
}
