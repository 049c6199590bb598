import Contracts
import RPC
import Store

/// `scrobble.correctImport`: a person's word on what a row means. It holds for every row of the same title, for later
/// imports too, and is written at once where the import was written already.
struct CorrectImport: Sendable {
    let store: ImportStore
    let titles: TitleLookup
    let worker: ImportWorker
    let clock: any WallClock

    func run(_ params: CorrectImportParams, _ context: RPCContext) async throws(RPCError) -> ImportRow {
        let (user, id) = (params.user, params.import)
        let given = [params.title != nil, params.skip == true, params.watchedOn != nil].filter(\.self)
        guard given.count == 1 else {
            throw .contradictoryValues("one of title, skip and watched_on must be given, and one only")
        }
        let found = try await asking { () throws(StoreError) in
            try await store.row(params.place, of: id, user, until: context.deadline)
        }
        guard let found else { throw .importNotFound("there is no such import") }
        guard found.state == .ready || found.state == .applied else {
            throw .importNotReady(
                "the import is \(found.state.rawValue); rows are corrected when it is ready or applied")
        }
        guard var row = found.row, let key = found.key else {
            throw .importNotFound("the import has no such row, or the row speaks of no title")
        }
        if let day = params.watchedOn {
            row.watchedOn = day
            row.watchedAt = nil
            row.precision = .day
            let changed = row
            try await asking { () throws(StoreError) in
                try await store.replace(params.place, with: changed, id, of: user, until: context.deadline)
            }
        } else {
            var meant: MeantTitle?
            if let title = params.title { meant = MeantTitle(try await titles.title(title, context)) }
            try await asking { () throws(StoreError) in
                try await store.correct(key, to: meant, id, of: user, at: clock.now, until: context.deadline)
            }
        }
        do throws(ImportTrouble) {
            try await worker.judgeAgain(key, of: id, user)
        } catch {
            throw error.asRPCError
        }
        let shown = try await asking { () throws(StoreError) in
            try await store.rows(of: id, user, nil, after: params.place - 1, limit: 1, until: context.deadline)
        }
        guard let shown = shown.first else { throw .importNotFound("the import has no such row") }
        return shown
    }
}

extension ImportTrouble {
    var asRPCError: RPCError {
        switch self {
        case .store(let error): error.asRPCError
        case .refused(let why): .fileRefused(why)
        case .unavailable(let why): .unavailable(why)
        case .lost: .importNotReady("somebody else works at the import now")
        }
    }
}
