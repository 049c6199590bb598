import Contracts
import Cryptography
import RPC
import Store

/// `scrobble.putImportChunk`: stores a chunk of a file, which begins where the previous one ended.
struct PutImportChunk: Sendable {
    let store: ImportStore

    func run(_ params: PutImportChunkParams, _ context: RPCContext) async throws(RPCError) -> ImportReceived {
        guard let bytes = Base64.decode(params.data), !bytes.isEmpty else {
            throw .fileRefused("data: is not Base64")
        }
        let answer = try await asking { () throws(StoreError) in
            try await store.put(
                bytes, at: params.offset, of: params.file, named: params.name, params.import, of: params.user,
                until: context.deadline)
        }
        switch answer {
        case .here(let count): return ImportReceived(sizeBytes: count)
        case .noSuchImport: throw .importNotFound("there is no such import")
        case .notReady:
            throw .importNotReady("the import takes no more files, or the piece does not follow the one before")
        case .tooLarge: throw .fileRefused("an import takes at most \(store.limits.uploadBytesMax >> 20) MiB")
        }
    }
}
