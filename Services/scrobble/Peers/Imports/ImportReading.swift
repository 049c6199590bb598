import Archive
import Contracts
import Store

/// Extracts rows from an import's files and stores them; restarted after a crash, it skips what is stored.
struct ImportReading: Sendable {
    let store: ImportStore
    let spool: ImportSpool

    private var limits: ImportLimits { store.limits }

    /// Returns false if none of the files is recognized, in which case the import has failed.
    func run(_ claim: ImportClaim) async throws(ImportTrouble) -> Bool {
        let deadline = ContinuousClock.now + limits.stepTimeout
        let (files, last) = try await asking { () throws(StoreError) in
            (
                try await store.files(of: claim.id, claim.user, until: deadline),
                try await store.lastPlace(of: claim, until: deadline)
            )
        }
        var progress = Progress(keptTo: last)
        do throws(ImportTrouble) {
            try await read(files, claim, &progress)
        } catch {
            // Nobody else may read these files while rows are still being written.
            _ = await progress.writing?.value
            throw error
        }
        return try await finish(claim, progress)
    }

    private func read(
        _ files: [SentFile], _ claim: ImportClaim, _ progress: inout Progress
    ) async throws(ImportTrouble) {
        var dates: [Timestamp?] = []
        for file in files {
            let scratch = try await spool.scratch(
                file, of: claim.id, claim.user, until: .now + limits.stepTimeout)
            let front = try piece(of: scratch, at: 0)
            if ImportSpool.isZip(front) {
                dates.append(try await readArchive(scratch, claim, &progress))
            } else {
                // A lone file does not say when it was written.
                dates.append(nil)
                var reading = FileReading(
                    file.name, front, claim, progress, limits, isLone: files.count == 1)
                var at = 0
                while at < scratch.byteCount, !reading.isOver {
                    let bytes = try piece(of: scratch, at: at)
                    at += bytes.count
                    reading.feed(bytes)
                    try await flush(&reading, claim, &progress, isEnd: false)
                }
                try await end(&reading, claim, &progress)
            }
        }
        progress.summary.asOf = dates.contains(nil) ? nil : dates.compactMap(\.self).max()
        try await progress.settle()
    }

    private func finish(_ claim: ImportClaim, _ progress: Progress) async throws(ImportTrouble) -> Bool {
        guard progress.summary.source != nil || progress.summary.isUnclear else {
            let why = progress.summary.files.compactMap(\.problem).first
            let files = progress.summary.files
            try await asking { () throws(StoreError) in
                try await store.fail(
                    claim, why ?? "none of the files belongs to a known export", files: files,
                    until: .now + limits.stepTimeout)
            }
            return false
        }
        var summary = progress.summary
        summary.rowCount = progress.next
        let read = summary
        let isHeld = try await asking { () throws(StoreError) in
            try await store.finish(read, of: claim, until: .now + limits.stepTimeout)
        }
        guard isHeld else { throw .lost }
        return true
    }

    /// Returns when the archive was packed, if it says so.
    private func readArchive(
        _ scratch: borrowing ScratchFile, _ claim: ImportClaim, _ progress: inout Progress
    ) async throws(ImportTrouble) -> Timestamp? {
        var archive: ArchiveReader
        do throws(ArchiveError) {
            archive = try ArchiveReader(scratch, limits: spool.archiveLimits)
        } catch {
            throw ImportTrouble(error)
        }
        // The headers of lists come before the lists, so that these have names.
        let entries = ImportSpool.told(archive.entries).sorted { left, right in
            (left.name.contains("lists-lists") ? 0 : 1, left.name) < (
                right.name.contains("lists-lists") ? 0 : 1, right.name
            )
        }
        for entry in entries where !LetterboxdFile.isForeign(entry.name) {
            var reading: FileReading?
            do throws(ArchiveError) { try archive.open(entry) } catch { throw ImportTrouble(error) }
            while true {
                var bytes: [UInt8]?
                do throws(ArchiveError) { bytes = try archive.next() } catch { throw ImportTrouble(error) }
                guard let bytes else { break }
                if reading == nil { reading = FileReading(entry.name, bytes, claim, progress, limits) }
                reading?.feed(bytes)
                if reading?.isOver ?? true { break }
                if var current = reading.take() {
                    try await flush(&current, claim, &progress, isEnd: false)
                    reading = current
                }
            }
            var ended = reading ?? FileReading(entry.name, [], claim, progress, limits)
            try await end(&ended, claim, &progress)
        }
        let written = entries.filter { !LetterboxdFile.isForeign($0.name) }.map {
            Timestamp(clampingMicrosecondsSinceEpoch: Int64($0.writtenAtSeconds) * 1_000_000)
        }.max()
        // The dates of archives start in 1980, which packers without a clock leave in place.
        return written.flatMap { $0.date.year >= 2_000 ? $0 : nil }
    }

    private func end(
        _ reading: inout FileReading, _ claim: ImportClaim, _ progress: inout Progress
    ) async throws(ImportTrouble) {
        reading.finish()
        try await flush(&reading, claim, &progress, isEnd: true)
        progress.note(reading, limits)
    }

    /// Writes rows in whole batches, and the rest at the end of a file; each batch while the next one is read.
    private func flush(
        _ reading: inout FileReading, _ claim: ImportClaim, _ progress: inout Progress, isEnd: Bool
    ) async throws(ImportTrouble) {
        while reading.rows.count >= limits.rowsAtOnce || isEnd && !reading.rows.isEmpty {
            let part = Array(reading.rows.prefix(limits.rowsAtOnce))
            reading.rows.removeFirst(part.count)
            let first = progress.next
            guard first + part.count <= limits.rowsMax else {
                throw .refused("there are more than \(limits.rowsMax) rows")
            }
            progress.next += part.count
            let kept = min(part.count, max(0, progress.keptTo + 1 - first))
            guard kept < part.count else { continue }
            let rows = part.enumerated().dropFirst(kept).map { offset, row in
                let key = Self.key(of: row)
                return ImportStore.NewRow(
                    place: first + offset, key: key, row: row,
                    bringsTitle: progress.isNews(key, row.title, limits.titlesRemembered))
            }
            try await progress.settle()
            progress.writing = Task { await append(rows, to: claim) }
        }
    }

    private func append(_ rows: [ImportStore.NewRow], to claim: ImportClaim) async -> Result<Void, ImportTrouble> {
        do throws(StoreError) {
            let isHeld = try await store.append(rows, to: claim, until: .now + limits.stepTimeout)
            return isHeld ? .success(()) : .failure(.lost)
        } catch {
            return .failure(.store(error))
        }
    }

    /// The key of a row's title; nil if it has none, for example because it cannot be read or is only shown.
    static func key(of row: ImportedRow) -> String? {
        guard row.kind != .shown, row.kind != .list, row.problems == nil, let title = row.title else { return nil }
        return row.titleId.map { ImportItemKey.of($0) } ?? ImportItemKey.of(title)
    }

    private func piece(of scratch: borrowing ScratchFile, at start: Int) throws(ImportTrouble) -> [UInt8] {
        do throws(ArchiveError) {
            return try scratch.read(at: start, count: ImportSpool.pieceBytes)
        } catch {
            throw ImportTrouble(error)
        }
    }

    private func asking<Value>(
        _ work: () async throws(StoreError) -> Value
    ) async throws(ImportTrouble) -> Value {
        do throws(StoreError) {
            return try await work()
        } catch {
            throw .store(error)
        }
    }

    /// The progress through all files.
    struct Progress {
        /// The last row that is already stored.
        let keptTo: Int
        /// The place of the next row.
        var next = 0
        var lists: [String: TraktExportReader.ListHeader] = [:]
        var summary = ImportStore.Reading()
        /// The batch of rows that is being written, one at a time.
        var writing: Task<Result<Void, ImportTrouble>, Never>?

        init(keptTo: Int) { self.keptTo = keptTo }

        /// Titles that are stored or being written, and whether with an id.
        private var titles: [ImportItemKey.Exact: Bool] = [:]

        /// Whether a row brings a title, or the first id of one.
        mutating func isNews(_ key: String?, _ title: TitleQuery?, _ titlesMax: Int) -> Bool {
            guard let key = key.map(ImportItemKey.Exact.init), let title else { return false }
            let isIdentified = title.ids != ExternalIds()
            if let known = titles[key] {
                if known || !isIdentified { return false }
            } else if titles.count >= titlesMax {
                return true
            }
            titles[key] = isIdentified
            return true
        }

        /// Waits for the rows that are being written.
        mutating func settle() async throws(ImportTrouble) {
            guard let writing else { return }
            self.writing = nil
            try await writing.value.get()
        }

        mutating func note(_ reading: FileReading, _ limits: ImportLimits) {
            lists = reading.reader.lists
            summary.isPartial = summary.isPartial || reading.reader.isPartial
            summary.source = summary.source ?? reading.reader.source
            guard summary.files.count < limits.filesListedMax else { return }
            summary.files.append(
                ImportFile(
                    name: String(reading.name.prefix(1_000)), sizeBytes: reading.byteCount,
                    rowCount: reading.rowCount, recognisedAs: reading.reader.recognisedAs,
                    mayBe: reading.failure.flatMap { $0.mayBe.isEmpty ? nil : $0.mayBe },
                    problem: reading.failure.map { String($0.sentence.prefix(500)) }))
        }
    }
}

/// One file being turned into rows.
struct FileReading {
    let name: String
    private let present: ImportPresent
    private(set) var reader: ImportFileReader
    var rows: [ImportedRow] = []
    private(set) var byteCount = 0
    private(set) var rowCount = 0
    private(set) var failure: ImportFileFailure?
    private var isFinished = false

    init(
        _ name: String, _ front: [UInt8], _ claim: ImportClaim, _ progress: ImportReading.Progress,
        _ limits: ImportLimits, isLone: Bool = false
    ) {
        self.name = name
        present = ImportPresent(claim.createdAt)
        reader = ImportFileReader(
            path: String(name.prefix(1_000)), front: front, kind: claim.kinds[name], lists: progress.lists,
            isLone: isLone, limits: limits)
    }

    /// Whether nothing more can be read from it: it is unreadable, or belongs to no export.
    var isOver: Bool { failure != nil || reader.isForeign }

    mutating func feed(_ bytes: [UInt8]) {
        byteCount += bytes.count
        take { (reader, show) throws(ImportFileFailure) in try reader.feed(bytes, show) }
    }

    mutating func finish() {
        take { (reader, show) throws(ImportFileFailure) in try reader.finish(show) }
    }

    private mutating func take(
        _ work: (inout ImportFileReader, (ImportedRow) -> Void) throws(ImportFileFailure) -> Void
    ) {
        guard failure == nil else { return }
        var found: [ImportedRow] = []
        let present = present
        do throws(ImportFileFailure) {
            try work(&reader) { found.append(present.refused($0) ?? $0) }
        } catch {
            failure = error
        }
        rowCount += found.count
        rows += found
    }
}
