import Archive
import Contracts
import JSON
import RPC

/// Packs all of a person's data: page by page from the services into files, each row twice, in Trakt's layout and in
/// our own.
struct EverythingArchive: ~Copyable {
    struct Peers: Sendable {
        let metadata: MetadataClient
        let ratings: RatingsClient
        let scrobble: ScrobbleClient
    }

    /// The number of rows per page.
    private static let pageRows = 100
    /// The longest time that one page may take.
    private static let pageTimeout = Duration.seconds(30)
    /// The maximum number of titles remembered between pages.
    private static let titlesMax = 20_000

    private let user: UserID
    private let peers: Peers
    private let context: RPCContext
    private var writer: ArchiveWriter
    private var files: [String: ArrayFile] = [:]
    private var titles: [TitleID: Title] = [:]

    /// A file that consists of one JSON array.
    private struct ArrayFile {
        let number: Int
        var isEmpty = true
    }

    static func pack(of user: UserID, _ peers: Peers, _ context: RPCContext) async throws(RPCError) -> PackedArchive {
        let writer: ArchiveWriter
        do throws(ArchiveError) { writer = try ArchiveWriter() } catch { throw .noScratch }
        var archive = EverythingArchive(of: user, peers, context, writer)
        try archive.begin()
        try await archive.addRatings()
        try await archive.addPlays()
        try await archive.addShelves()
        try await archive.addProgress()
        try await archive.addLists()
        return try archive.finish()
    }

    private init(of user: UserID, _ peers: Peers, _ context: RPCContext, _ writer: consuming ArchiveWriter) {
        self.user = user
        self.peers = peers
        self.context = context
        self.writer = writer
    }

    private var call: RPCCall { context.outgoing(timeout: Self.pageTimeout) }

    // MARK: Parts

    private mutating func addRatings() async throws(RPCError) {
        var cursor: String?
        repeat {
            let page = try await peers.ratings.listRatings(
                ListRatingsParams(user: user, sort: .title, limit: Self.pageRows, cursor: cursor), call)
            try await know(page.ratings.map(\.title))
            for rating in page.ratings {
                let title = named(rating.title)
                try add(EverythingRows.row(rating, title))
                guard let title else { continue }
                let kind = TraktLayout.plural(title.title.kind)
                try add(TraktLayout.rating(rating, title), to: "ratings-\(kind).json")
                if let comment = TraktLayout.comment(rating, title) { try add(comment, to: "comments-\(kind).json") }
            }
            cursor = page.nextCursor
        } while cursor != nil
    }

    private mutating func addPlays() async throws(RPCError) {
        var cursor: String?
        while true {
            let page = try await peers.scrobble.listPlays(ListPlaysParams(user: user, cursor: cursor), call)
            try await know(page.plays.map(\.title))
            for play in page.plays {
                let title = named(play.title)
                try add(EverythingRows.row(play, title))
                if let title { try add(TraktLayout.history(play, title), to: "watched-history-1.json") }
            }
            cursor = page.plays.last?.place
            if page.isLast || cursor == nil { return }
        }
    }

    private mutating func addShelves() async throws(RPCError) {
        let aside: [(Shelf, WishStatus?)] = [(.watchlist, .onHold), (.watchlist, .dropped)]
        for (shelf, status) in Shelf.allCases.map({ ($0, nil) }) + aside {
            var (cursor, rank): (String?, Int) = (nil, 0)
            repeat {
                let page = try await peers.scrobble.listShelf(
                    ListShelfParams(
                        user: user, shelf: shelf, status: status, limit: Self.pageRows, cursor: cursor), call)
                try await know(page.items.map(\.title))
                for item in page.items {
                    rank += 1
                    let title = named(item.title)
                    try add(EverythingRows.row(item, on: shelf, title))
                    // Trakt's layout has no titles that are on hold or dropped.
                    guard let title, status == nil else { continue }
                    switch shelf {
                    case .watchlist: try add(TraktLayout.listed(item, rank: rank, title), to: "lists-watchlist.json")
                    case .likes: try add(TraktLayout.listed(item, rank: rank, title), to: "lists-favorites.json")
                    case .collection:
                        try add(
                            TraktLayout.collected(item, title),
                            to: "collection-\(TraktLayout.plural(title.title.kind)).json")
                    }
                }
                cursor = page.nextCursor
            } while cursor != nil
        }
    }

    private mutating func addProgress() async throws(RPCError) {
        var cursor: String?
        repeat {
            let page = try await peers.scrobble.listProgress(ListProgressParams(user: user, cursor: cursor), call)
            try await know(page.items.map(\.title))
            for item in page.items {
                let title = named(item.title)
                try add(EverythingRows.row(item, title))
                if let title { try add(TraktLayout.paused(item, title), to: "watched-playback.json") }
            }
            cursor = page.nextCursor
        } while cursor != nil
    }

    private mutating func addLists() async throws(RPCError) {
        var cursor: String?
        repeat {
            let page = try await peers.scrobble.listLists(
                ListListsParams(user: user, limit: Self.pageRows, cursor: cursor), call)
            for list in page.lists {
                try add(TraktLayout.header(list), to: "lists-lists.json")
                try await addItems(of: list)
            }
            cursor = page.nextCursor
        } while cursor != nil
    }

    private mutating func addItems(of list: TitleList) async throws(RPCError) {
        let file = TraktLayout.file(of: list)
        try open(file)
        if list.itemCount == 0 { try add(EverythingRows.row(list)) }
        var cursor: String?
        repeat {
            let page = try await peers.scrobble.listListItems(
                ListListItemsParams(user: user, list: list.id, limit: Self.pageRows, cursor: cursor), call)
            try await know(page.items.map(\.title))
            for item in page.items {
                let title = named(item.title)
                try add(EverythingRows.row(item, of: list, title))
                if let title { try add(TraktLayout.listed(item, title), to: file) }
            }
            cursor = page.nextCursor
        } while cursor != nil
        try close(file)
    }

    // MARK: Titles

    /// Loads the titles that are not known yet, and the series of those that have one.
    private mutating func know(_ ids: [TitleID]) async throws(RPCError) {
        if titles.count > Self.titlesMax { titles = [:] }
        try await load(ids)
        try await load(ids.compactMap { titles[$0]?.series })
    }

    private mutating func load(_ ids: [TitleID]) async throws(RPCError) {
        let missing = Array(Set(ids.filter { titles[$0] == nil }))
        guard !missing.isEmpty else { return }
        let answer = try await peers.metadata.getTitles(GetTitlesParams(titles: missing), call)
        for found in answer.found {
            var title = found.title
            // Only what identifies it is kept.
            (title.overview, title.externalRatings, title.genres) = (nil, [], [])
            titles[found.asked] = title
        }
    }

    private func named(_ id: TitleID) -> NamedTitle? {
        titles[id].map { title in NamedTitle(title: title, series: title.series.flatMap { titles[$0] }) }
    }

    // MARK: Files

    private mutating func begin() throws(RPCError) {
        try add(
            encodeJSON(JSONValue.object(JSONObject([("reelay", .number(JSONNumber(EverythingRows.version)))]))),
            to: EverythingRows.file)
    }

    private mutating func add(_ row: ImportedRow) throws(RPCError) { try add(encodeJSON(row), to: EverythingRows.file) }

    private mutating func add(_ row: JSONValue, to name: String) throws(RPCError) { try add(encodeJSON(row), to: name) }

    private mutating func add(_ row: [UInt8], to name: String) throws(RPCError) {
        try open(name)
        guard let file = files[name] else { return }
        try write((file.isEmpty ? [] : Array(",\n".utf8)) + row, to: file.number)
        files[name]?.isEmpty = false
    }

    private mutating func open(_ name: String) throws(RPCError) {
        guard files[name] == nil else { return }
        do throws(ArchiveError) {
            files[name] = ArrayFile(number: try writer.open(name))
        } catch {
            throw .noScratch
        }
        guard let file = files[name] else { return }
        try write(Array("[".utf8), to: file.number)
    }

    private mutating func write(_ bytes: [UInt8], to number: Int) throws(RPCError) {
        do throws(ArchiveError) { try writer.write(bytes, to: number) } catch { throw .noScratch }
    }

    private mutating func close(_ name: String) throws(RPCError) {
        guard let file = files.removeValue(forKey: name) else { return }
        try write(Array("]\n".utf8), to: file.number)
        writer.close(file.number)
    }

    private consuming func finish() throws(RPCError) -> PackedArchive {
        for name in files.keys.sorted() { try close(name) }
        do throws(ArchiveError) { return PackedArchive(try writer.finish()) } catch { throw .noScratch }
    }
}
