import Contracts
import RPC
import Store

/// `scrobble.correctImport`: corrects what a row means. The correction applies to every row of the same title, also in
/// later imports, and takes effect at once if the import has already been written. If the row may mean either of two
/// films of one name, it applies to that row, or its entry, alone. `skip: false` withdraws an earlier correction.
struct CorrectImport: Sendable {
    let store: ImportStore
    let titles: TitleLookup
    let worker: ImportWorker
    let clock: any WallClock

    func run(_ params: CorrectImportParams, _ context: RPCContext) async throws(RPCError) -> ImportRow {
        let (user, id) = (params.user, params.import)
        let takesBack = params.skip == false && params.title == nil && params.watchedOn == nil
        let given = [params.title != nil, params.skip == true || takesBack, params.watchedOn != nil].filter(\.self)
        guard given.count == 1 else {
            throw .contradictoryValues("exactly one of title, skip and watched_on must be given")
        }
        if let day = params.watchedOn { try PlayDates.check(day, at: clock.now) }
        let found = try await asking { () throws(StoreError) in
            try await store.row(params.place, of: id, user, until: context.deadline)
        }
        guard let found else { throw .importNotFound("there is no such import") }
        guard found.state == .ready || found.state == .applied else {
            throw .importNotReady(
                "the import is \(found.state.rawValue); rows are corrected when it is ready or applied")
        }
        let dated = params.watchedOn.flatMap { found.row?.on($0) }
        guard var key = found.key ?? dated.flatMap({ ImportReading.key(of: $0) }) else {
            throw .importNotFound("the import has no such row, or the row names no title")
        }
        if found.key != nil { key = try await toldApart(key, params, context) }
        try await check(key, dated == nil ? nil : params.place, params)
        if let dated {
            key = try await put(dated, key, params)
        } else if takesBack {
            try await forget(key, params)
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
        guard let shown = await RowCandidates(titles: titles).named(shown, context).first else {
            throw .importNotFound("the import has no such row")
        }
        return shown
    }

    /// Throws `importNotReady` if the rows have been written: what they wrote would stay, and be written again beside
    /// it.
    private func check(_ key: String, _ place: Int?, _ params: CorrectImportParams) async throws(RPCError) {
        var refusal: String?
        do throws(ImportTrouble) {
            refusal = try await worker.refusal(ofCorrecting: key, place, of: params.import, params.user)
        } catch {
            throw error.asRPCError
        }
        if let refusal { throw .importNotReady(refusal) }
    }

    private func forget(_ key: String, _ params: CorrectImportParams) async throws(RPCError) {
        do throws(ImportTrouble) {
            try await worker.forget(key, of: params.import, params.user)
        } catch {
            throw error.asRPCError
        }
    }

    /// The key of a row, split from the rows of other films if they share it.
    private func toldApart(
        _ key: String, _ params: CorrectImportParams, _ context: RPCContext
    ) async throws(RPCError) -> String {
        try await asking { () throws(StoreError) in
            try await store.toldApart(key, params.place, of: params.import, params.user, until: context.deadline)
        }
    }

    /// Sets a row's day. Returns the key that it has afterwards.
    private func put(
        _ row: ImportedRow, _ key: String, _ params: CorrectImportParams
    ) async throws(RPCError) -> String {
        do throws(ImportTrouble) {
            let new = ImportStore.NewRow(place: params.place, key: key, row: row)
            return try await worker.adopt(new, to: params.import, params.user) ?? key
        } catch {
            throw error.asRPCError
        }
    }
}

extension ImportTrouble {
    var asRPCError: RPCError {
        switch self {
        case .store(let error): error.asRPCError
        case .refused(let why): .fileRefused(why)
        case .unavailable(let why): .unavailable(why)
        case .lost: .importNotReady("the import is being worked on elsewhere")
        }
    }
}
