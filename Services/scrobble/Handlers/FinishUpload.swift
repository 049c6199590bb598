import Contracts
import RPC
import Store

/// `scrobble.finishUpload`: completes an upload. Archives are checked against their limits now; the rows are read next.
struct FinishUpload: Sendable {
    let store: ImportStore
    let spool: ImportSpool
    let worker: ImportWorker
    let clock: any WallClock

    func run(_ params: FinishUploadParams, _ context: RPCContext) async throws(RPCError) -> Import {
        let (user, id) = (params.user, params.import)
        let (found, files) = try await asking { () throws(StoreError) in
            (
                try await store.get(id, of: user, until: context.deadline),
                try await store.files(of: id, user, until: context.deadline)
            )
        }
        guard let found else { throw .importNotFound("there is no such import") }
        // A repeated call, because the answer to the first was lost.
        guard found.state == .receiving else { return found }
        guard !files.isEmpty else { throw .importNotReady("no file was sent") }
        let digest: [UInt8]
        do throws(ImportTrouble) {
            digest = try await spool.inspect(files, of: id, user, until: context.deadline)
        } catch {
            throw try await refusal(error, params, context)
        }
        return try await begin(digest, params, context)
    }

    private func begin(
        _ digest: [UInt8], _ params: FinishUploadParams, _ context: RPCContext
    ) async throws(RPCError) -> Import {
        let (user, id) = (params.user, params.import)
        do throws(StoreError) {
            let begun = try await store.begin(
                id, of: user, digest: digest, appliesItself: params.apply ?? false, at: clock.now,
                until: context.deadline)
            worker.bell.ring()
            if let begun { return begun }
            // A concurrent call was faster.
            if let found = try await store.get(id, of: user, until: context.deadline) { return found }
        } catch {
            guard case .conflict(constraint: "imports_active") = error else { throw error.asRPCError }
            let other = try await asking { () throws(StoreError) in
                try await store.active(digest, of: user, until: context.deadline)
            }
            try await asking { () throws(StoreError) in
                try await store.cancel(id, of: user, at: clock.now, until: context.deadline)
            }
            throw .importExists("import \(other?.description ?? "of the same files") already has these files")
        }
        throw .importNotFound("there is no such import")
    }

    /// The error for a problem. Cancels the import if its files are rejected, because those are not kept.
    private func refusal(
        _ trouble: ImportTrouble, _ params: FinishUploadParams, _ context: RPCContext
    ) async throws(RPCError) -> RPCError {
        switch trouble {
        case .refused(let why):
            try await asking { () throws(StoreError) in
                try await store.cancel(params.import, of: params.user, at: clock.now, until: context.deadline)
            }
            return .fileRefused(why)
        case .store(let error): return error.asRPCError
        case .unavailable(let why): return .unavailable(why)
        case .lost: return .importNotReady("a piece of a file is missing")
        }
    }
}
