package import RPC

extension RatingsClient {
    /// A person's ratings of several titles, 500 at the most; those without one are left out. One call but where reviews
    /// are long: what one answer has no room for is asked about in the next.
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
                throw .internal("the ratings service answers with none of those that are left")
            }
        } while !asked.isEmpty
        return found
    }
}
