import Contracts
import RPC
import RatingScales

/// `rateMovie` and the like: rates an existing title of one kind, under its current id.
struct RateTitle: Sendable {
    let metadata: MetadataClient
    let ratings: RatingsClient
    let scrobble: ScrobbleClient
    let kind: TitleKind

    func run(
        _ id: TitleID, _ body: RateRequest, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Rating> {
        let rating = try RatingInput(body.rating, body.given).rating
        let asked = AskedDigest.of(body, about: id, context)
        let title = try await id.known(as: kind, to: metadata, context)
        let claims = Set([body.play].compactMap { $0 }.map { RatedPlays.Claim(play: $0, title: title.id) })
        let held = try await RatedPlays(metadata: metadata, scrobble: scrobble).held(claims, caller, context)
        let isHeld = held == claims
        // Under a key it may be stored, and its play deleted since: the ratings service knows, and takes nothing new.
        guard isHeld || context.once != nil else { throw Self.noSuchPlay }
        try await ratings.follow(FoundTitle(asked: id, title: title).moves, context.rpc.outgoing())
        var expected: Int? = RatingPrecondition.never
        if isHeld {
            expected = try await RatingPrecondition(ratings: ratings).expectedVersion(of: title.id, caller, context)
        }
        let params = RateTitleParams(
            user: caller.user, title: title.id, kind: kind, rating: rating, review: body.review,
            spoiler: body.spoiler, ratedAt: body.ratedAt, given: body.given, play: body.play,
            expectedVersion: expected, requestDigest: asked)
        do throws(RPCError) {
            let rated = try await ratings.rateTitle(params, context.rpc.outgoing(idempotencyKey: context.once?.key))
            return EdgeReply(rated, headers: rated.tags)
        } catch {
            throw !isHeld && error.code == RegistryError.preconditionFailed.code ? Self.noSuchPlay : error
        }
    }

    private static var noSuchPlay: RPCError { .playNotFound("this title has no such play") }
}

/// The conditions of a request that changes a rating, as the version that the rating must have. The ratings service
/// checks it in one step with the change, and after the idempotency key, so that a repeated request gets the first
/// answer, whatever is stored by now.
struct RatingPrecondition: Sendable {
    /// A version that no rating reaches.
    static let never = 9_007_199_254_740_991

    let ratings: RatingsClient

    /// Returns the version that the rating must have, 0 for none; nil if the request is unconditional.
    func expectedVersion(
        of title: TitleID, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> Int? {
        switch (context.ifMatch, context.ifNoneMatch) {
        case (nil, nil): return nil
        case (nil, let none?) where none.isAnything: return 0
        case (let match?, nil):
            if let tag = match.only { return Rating.version(of: tag) ?? Self.never }
        default: break
        }
        // Anything else depends on the current rating.
        let current = try await ratings.getRatings(
            GetRatingsParams(user: caller.user, titles: [title]), context.rpc.outgoing()
        ).ratings.first
        return context.allowsWrite(of: current?.tag) ? current?.version ?? 0 : Self.never
    }
}

extension Rating {
    /// The entity tag. Every change of a rating has its own version, so the version identifies a state.
    var tag: String? { version.map(Self.tag) }
    var tags: [(name: String, value: String)] { tag.map { [("etag", $0)] } ?? [] }

    private static func tag(_ version: Int) -> String { "\"r\(version)\"" }

    /// Returns the version that `tag` stands for; nil for any other text, even that of 0, which stands for no rating.
    static func version(of tag: String) -> Int? {
        guard let version = Int(tag.dropFirst(2).dropLast()), self.tag(version) == tag else { return nil }
        return (1..<RatingPrecondition.never).contains(version) ? version : nil
    }
}

extension TitleID {
    /// Returns the title that this id now stands for. Throws `wrongKind` for one of another kind.
    func known(
        as kind: TitleKind, to metadata: MetadataClient, _ context: EdgeContext
    ) async throws(RPCError) -> Title {
        let title = try await metadata.getTitle(GetTitleParams(title: self), context.rpc.outgoing())
        guard title.kind == kind else { throw .wrongKind("this is a \(title.kind.rawValue), not a \(kind.rawValue)") }
        return title
    }
}
