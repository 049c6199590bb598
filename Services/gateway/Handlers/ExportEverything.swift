import Archive
import Contracts
import Edge
import RPC

/// `exportEverything`: all of a person's data, as one archive.
///
/// An archive ends with its directory, so it is packed before the first byte is sent; meanwhile it is kept in a scratch
/// folder, not in memory.
struct ExportEverything: Sendable {
    /// The longest time that packing may take, including the wait for its first piece.
    static let packingTimeout = Duration.seconds(600)
    /// The size of a piece, in bytes.
    static let pieceBytes = 256 << 10

    let metadata: MetadataClient
    let ratings: RatingsClient
    let scrobble: ScrobbleClient

    func run(
        _ input: ExportEverythingInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeStream> {
        // Detects services that do not answer before the response begins.
        let call = context.rpc.outgoing()
        let (played, rated) = await together(
            { () async throws(RPCError) in try await scrobble.listPlays(ListPlaysParams(user: caller.user), call) },
            { () async throws(RPCError) in
                try await ratings.listRatings(ListRatingsParams(user: caller.user, limit: 1), call)
            })
        _ = (try played.get(), try rated.get())
        let user = caller.user
        return EdgeReply(
            .file(
                "application/zip", name: "reelay-everything.zip", from: Download(), for: context.rpc,
                pieceTimeout: Self.packingTimeout
            ) { (download, context) async throws(RPCError) in
                if download.archive == nil {
                    download.archive = try await besideLoops { () async throws(RPCError) in
                        try await EverythingArchive.pack(
                            of: user, EverythingArchive.Peers(metadata: metadata, ratings: ratings, scrobble: scrobble),
                            context)
                    }
                }
                return try download.next()
            })
    }

    private struct Download: Sendable {
        var archive: PackedArchive?
        private var sent = 0

        /// Returns the next piece; nil at the end.
        mutating func next() throws(RPCError) -> [UInt8]? {
            guard let archive else { return nil }
            do throws(ArchiveError) {
                let piece = try archive.file.read(at: sent, count: ExportEverything.pieceBytes)
                sent += piece.count
                return piece.isEmpty ? nil : piece
            } catch {
                throw .noScratch
            }
        }
    }
}

/// A packed archive that waits to be sent; deleted when nothing refers to it any more.
final class PackedArchive: Sendable {
    let file: ScratchFile

    init(_ file: consuming ScratchFile) { self.file = file }
}

extension RPCError {
    static var noScratch: RPCError { .unavailable("there is currently no room for the archive") }
}
