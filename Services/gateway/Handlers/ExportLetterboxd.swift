import Contracts
import RPC
import Synchronization

/// `exportLetterboxd`: the caller's films in a file that Letterboxd can import; a header names the next file, if any.
struct ExportLetterboxd: Sendable {
    let metadata: MetadataClient
    let ratings: RatingsClient
    let scrobble: ScrobbleClient

    func run(
        _ input: ExportLetterboxdInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeStream> {
        var file = LetterboxdFile(input.list)
        let next: String? =
            switch input.list {
            case .diary: try await diary(input, &file, caller, context)
            case .ratings: try await rated(input, &file, caller, context)
            case .watchlist: try await watchlist(input, &file, caller, context)
            }
        let piece = OnePiece(file.bytes)
        return EdgeReply(
            EdgeStream(
                contentType: "text/csv; charset=utf-8", name: "letterboxd-\(input.list.rawValue).csv",
                length: file.bytes.count, next: { piece.take() }),
            headers: next.map { [(name: "x-next-cursor", value: $0)] } ?? [])
    }

    /// Returns the cursor of the next file; nil if this is the last one.
    private func diary(
        _ input: ExportLetterboxdInput, _ file: inout LetterboxdFile, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> String? {
        var cursor = input.cursor
        while true {
            let page = try await scrobble.listDiary(
                ListDiaryParams(user: caller.user, timeZone: caller.timeZone, since: input.since, cursor: cursor),
                context.rpc.outgoing())
            let ids = Array(Set(page.entries.map(\.title)))
            guard !ids.isEmpty else { return nil }
            let call = context.rpc.outgoing()
            let (found, rated) = await together(
                { () async throws(RPCError) in try await metadata.getTitles(GetTitlesParams(titles: ids), call) },
                { () async throws(RPCError) in
                    try await ratings.ratings(of: ids, by: caller.user, call)
                })
            let known = try found.get().found
            let titles = Dictionary(known.map { ($0.asked, $0.title) }) { first, _ in first }
            let all = try await ratings.completed(try rated.get(), of: known, by: caller.user, call)
            let mine = Dictionary(all.map { ($0.title, $0) }) { first, _ in first }
            for entry in page.entries {
                if let title = titles[entry.title] {
                    let rating = mine[title.id] ?? mine[entry.title]
                    let isAdded = file.add(
                        LetterboxdFile.Row(
                            title: title, isPlay: true, watchedOn: entry.watchedOn,
                            rating: entry.rating ?? rating?.rating, entryRating: entry.rating,
                            filmRating: rating?.rating, play: entry.play,
                            isRewatch: entry.rewatch, tags: entry.tags ?? [], review: entry.review))
                    // The row that no longer fits is the first row of the next file.
                    guard isAdded else { return cursor }
                }
                cursor = entry.place
            }
            if page.isLast { return nil }
        }
    }

    private func rated(
        _ input: ExportLetterboxdInput, _ file: inout LetterboxdFile, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> String? {
        var cursor = input.cursor
        var limit = Self.ratingsAtOnce
        while true {
            var page = try await ratings.listRatings(
                ListRatingsParams(user: caller.user, kind: .movie, sort: .oldest, limit: limit, cursor: cursor),
                context.rpc.outgoing())
            // By when it was written, not by its own date: an older rating may have been added later.
            if let since = input.since { page.ratings.removeAll { $0.updatedAt <= since } }
            guard try await add(page, to: &file, context) else {
                // The next file begins with this page; a page that does not fit into any file is read in smaller ones.
                if !file.isEmpty { return cursor }
                limit = Self.longRatingsAtOnce
                continue
            }
            guard let next = page.nextCursor else { return nil }
            cursor = next
        }
    }

    /// Latest first by their own dates, regardless of when they were written.
    private func watchlist(
        _ input: ExportLetterboxdInput, _ file: inout LetterboxdFile, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> String? {
        var cursor = input.cursor
        while true {
            let page = try await scrobble.listShelf(
                ListShelfParams(
                    user: caller.user, shelf: .watchlist, kind: .movie, since: input.since, limit: Self.ratingsAtOnce,
                    cursor: cursor),
                context.rpc.outgoing())
            guard !page.items.isEmpty else { return nil }
            let found = try await metadata.getTitles(
                GetTitlesParams(titles: page.items.map(\.title)), context.rpc.outgoing())
            let titles = Dictionary(found.found.map { ($0.asked, $0.title) }) { first, _ in first }
            var longer = file
            for item in page.items {
                guard let title = titles[item.title] else { continue }
                guard longer.add(LetterboxdFile.Row(title: title, listedAt: item.addedAt)) else { return cursor }
            }
            file = longer
            guard let next = page.nextCursor else { return nil }
            cursor = next
        }
    }

    /// Adds the whole page, or nothing if it does not fit. Returns whether it was added.
    private func add(
        _ page: RatingsPage, to file: inout LetterboxdFile, _ context: EdgeContext
    ) async throws(RPCError) -> Bool {
        guard !page.ratings.isEmpty else { return true }
        let found = try await metadata.getTitles(
            GetTitlesParams(titles: page.ratings.map(\.title)), context.rpc.outgoing())
        let titles = Dictionary(found.found.map { ($0.asked, $0.title) }) { first, _ in first }
        var longer = file
        for rating in page.ratings {
            guard let title = titles[rating.title] else { continue }
            let row = LetterboxdFile.Row(
                title: title, rating: rating.rating, filmRating: rating.rating, review: rating.review)
            guard longer.add(row) else { return false }
        }
        file = longer
        return true
    }

    /// Ratings per page, and per page if reviews have the maximum length: that many fit into one file.
    private static let ratingsAtOnce = 100
    private static let longRatingsAtOnce = 2
}

/// A body of a single piece.
private final class OnePiece: Sendable {
    private let bytes: Mutex<[UInt8]?>

    init(_ bytes: [UInt8]) { self.bytes = Mutex(bytes) }

    /// Returns the piece on the first call, and nil afterwards.
    func take() -> [UInt8]? {
        bytes.withLock { bytes in
            defer { bytes = nil }
            return bytes
        }
    }
}
