package import RPC

extension RatingsClient {
    /// Returns a person's ratings of several titles, at most 500, leaving out those without one. Makes one call unless
    /// reviews are long: what does not fit into one answer is requested again.
    package func ratings(
        of titles: [TitleID], by user: UserID, _ call: RPCCall
    ) async throws(RPCError) -> [Rating] {
        var found: [Rating] = []
        var asked = titles
        repeat {
            let part = try await getRatings(GetRatingsParams(user: user, titles: asked, inParts: true), call)
            found += part.ratings
            asked = part.rest ?? []
            guard asked.isEmpty || !part.ratings.isEmpty else {
                throw .internal("the ratings service returned none of the remaining ratings")
            }
        } while !asked.isEmpty
        return found
    }
}
