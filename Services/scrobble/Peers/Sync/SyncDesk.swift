package import Contracts
import RPC
package import Store

/// Why a run cannot continue now.
package enum SyncTrouble: Error, Sendable {
    case reading(ReadTrouble)
    case store(StoreError)
    /// Another service of ours does not answer.
    case unavailable(String)

    package init(_ error: ReadTrouble) { self = .reading(error) }
    package init(_ error: StoreError) { self = .store(error) }
}

/// Our other services, as far as a sync uses them.
package protocol SyncNeighbours: Sendable {
    /// All ratings of a person; `ratingsVersion` tells whether any has changed since.
    func ratings(of user: UserID) async throws(SyncTrouble) -> [Rating]
    func ratings(of user: UserID, _ titles: [TitleID]) async throws(SyncTrouble) -> [TitleID: Rating]
    func ratingsVersion(of user: UserID) async throws(SyncTrouble) -> Int64
    /// Sets and removes ratings on behalf of a batch; repeating it changes nothing more. Returns what was not done and
    /// why: `older` if a rating is not at the expected version.
    func write(
        _ ratings: [RatingWrite], of user: UserID, from provider: SyncProvider, batch: BatchID
    ) async throws(SyncTrouble) -> [TitleID: WriteResult]
    /// The titles that items elsewhere mean, one per query, created if they are not here yet.
    func titles(_ queries: [TitleQuery]) async throws(SyncTrouble) -> [TitleID?]
}

/// Calls ratings and metadata over the network.
package struct WireNeighbours: SyncNeighbours {
    private let ratings: RatingsClient
    private let metadata: MetadataClient

    static let timeout = Duration.seconds(20)
    static let pageRows = 100

    package init(ratings: RatingsClient, metadata: MetadataClient) {
        self.ratings = ratings
        self.metadata = metadata
    }

    package func ratings(of user: UserID) async throws(SyncTrouble) -> [Rating] {
        var found: [Rating] = []
        var cursor: String?
        repeat {
            let params = ListRatingsParams(user: user, sort: .oldest, limit: Self.pageRows, cursor: cursor)
            let page = try await asking { () async throws(RPCError) in
                try await ratings.listRatings(params, .within(Self.timeout))
            }
            found += page.ratings
            cursor = page.nextCursor
        } while cursor != nil
        return found
    }

    package func ratings(of user: UserID, _ titles: [TitleID]) async throws(SyncTrouble) -> [TitleID: Rating] {
        let found = try await asking { () async throws(RPCError) in
            try await ratings.ratings(of: titles, by: user, .within(Self.timeout))
        }
        return Dictionary(found.map { ($0.title, $0) }) { first, _ in first }
    }

    package func ratingsVersion(of user: UserID) async throws(SyncTrouble) -> Int64 {
        let feed = try await asking { () async throws(RPCError) in
            try await ratings.listChanges(
                ListChangesParams(user: user, after: 0, limit: 1), .within(Self.timeout))
        }
        return Int64(feed.version)
    }

    package func write(
        _ items: [RatingWrite], of user: UserID, from provider: SyncProvider, batch: BatchID
    ) async throws(SyncTrouble) -> [TitleID: WriteResult] {
        let source: ChangeSource = provider == .trakt ? .trakt : .simkl
        let answer = try await asking { () async throws(RPCError) in
            try await ratings.writeRatings(
                WriteRatingsParams(user: user, items: items, source: source, batch: batch, onlyNewer: false),
                .within(Self.timeout))
        }
        return Dictionary(answer.outcomes.filter { !$0.result.isDone }.map { ($0.title, $0.result) }) { first, _ in
            first
        }
    }

    package func titles(_ queries: [TitleQuery]) async throws(SyncTrouble) -> [TitleID?] {
        let answer = try await asking { () async throws(RPCError) in
            try await metadata.resolveTitles(
                ResolveTitlesParams(queries: queries, missing: .create), .within(Self.timeout))
        }
        return answer.results.map { $0.title?.id }
    }

    private func asking<Answer>(
        _ call: () async throws(RPCError) -> Answer
    ) async throws(SyncTrouble) -> Answer {
        do throws(RPCError) {
            return try await call()
        } catch {
            throw .unavailable(error.message)
        }
    }
}

extension WriteResult {
    /// Whether the requested state holds now.
    fileprivate var isDone: Bool {
        switch self {
        case .created, .updated, .removed, .same, .absent, .repeated: true
        case .older, .inFuture, .unknownTitle, .invalid: false
        }
    }
}
