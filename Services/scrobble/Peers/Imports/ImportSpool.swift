import Archive
import Contracts
import Cryptography
import Store

/// Why a step of an import did not complete.
enum ImportTrouble: Error, Sendable {
    case store(StoreError)
    /// The files cannot be accepted; a sentence for their owner.
    case refused(String)
    /// Another worker has the import, or its person cancelled it.
    case lost
    /// A service that is needed does not answer.
    case unavailable(String)
}

/// Writes sent files to scratch files, and enforces the limits of archives.
struct ImportSpool: Sendable {
    let store: ImportStore
    let folder: String
    var archiveLimits = ArchiveLimits()

    func scratch(
        _ file: SentFile, of id: ImportID, _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(ImportTrouble) -> ScratchFile {
        var scratch = try refusing { () throws(ArchiveError) in try ScratchFile(in: folder) }
        while scratch.byteCount < file.byteCount {
            let start = scratch.byteCount
            let pieces = try await asking { () throws(StoreError) in
                try await store.pieces(of: file.number, from: start, id, user, until: deadline)
            }
            guard !pieces.isEmpty else { throw .lost }
            for piece in pieces {
                do throws(ArchiveError) {
                    try scratch.append(piece)
                } catch {
                    throw .unavailable("the scratch folder is not writable")
                }
            }
        }
        return scratch
    }

    /// Returns the SHA-256 of everything that was sent. Throws `refused` if an archive in it is not a valid ZIP within
    /// its limits.
    func inspect(
        _ files: [SentFile], of id: ImportID, _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(ImportTrouble) -> [UInt8] {
        var sums: [[UInt8]] = []
        for file in files {
            let scratch = try await scratch(file, of: id, user, until: deadline)
            var sum = SHA256()
            var at = 0
            while at < scratch.byteCount {
                let start = at
                let piece = try refusing { () throws(ArchiveError) in
                    try scratch.read(at: start, count: Self.pieceBytes)
                }
                sum.update(piece)
                at += piece.count
            }
            let front = try refusing { () throws(ArchiveError) in try scratch.read(at: 0, count: 8) }
            if Self.isZip(front) {
                try goThrough(scratch)
            } else if ArchiveReader.isArchive(front) {
                throw .refused("\(file.name): ZIP is the only kind of archive accepted")
            } else {
                // The format of a lone file may be told by its name.
                sum.update(Array(file.name.utf8))
            }
            sums.append(sum.finish().bytes)
        }
        sums.sort { $0.lexicographicallyPrecedes($1) }
        return SHA256.hash(sums.flatMap(\.self)).bytes
    }

    static let pieceBytes = 64 << 10

    static func isZip(_ front: [UInt8]) -> Bool { front.starts(with: [0x50, 0x4B]) }

    /// The entries of an archive that are read: a lossless export repeats what the other files of its archive say.
    static func told(_ entries: [ArchiveEntry]) -> [ArchiveEntry] {
        let lossless = entries.filter { LosslessReader.reads($0.name) && !LetterboxdFile.isForeign($0.name) }
        return lossless.isEmpty ? entries : lossless
    }

    /// Unpacks everything in an archive that will be read and keeps nothing, so that faults are found before anybody
    /// waits.
    private func goThrough(_ scratch: borrowing ScratchFile) throws(ImportTrouble) {
        do throws(ArchiveError) {
            var reader = try ArchiveReader(scratch, limits: archiveLimits)
            for entry in Self.told(reader.entries) {
                try reader.open(entry)
                while try reader.next() != nil {}
            }
        } catch {
            throw ImportTrouble(error)
        }
    }

    private func refusing<Value: ~Copyable>(
        _ work: () throws(ArchiveError) -> Value
    ) throws(ImportTrouble) -> Value {
        do throws(ArchiveError) {
            return try work()
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
}

extension ImportTrouble {
    init(_ error: ArchiveError) {
        self =
            switch error {
            case .notAnArchive: .refused("the archive has no end record: it is truncated, or not a ZIP file")
            case .damaged: .refused("the archive is damaged")
            case .tooManyEntries: .refused("the archive has more than \(ArchiveLimits().entriesMax) entries")
            case .tooLarge:
                .refused("the archive unpacks to more than \(ArchiveLimits().totalBytesMax >> 20) MiB")
            case .tooTightlyPacked(let name): .refused("\(name) unpacks to far more than a genuine export would")
            case .encrypted(let name): .refused("\(name) is encrypted")
            case .symbolicLink(let name): .refused("\(name) is a symbolic link")
            case .unsafeName(let name): .refused("\(name) is not a valid name for a file of an export")
            case .nested(let name): .refused("\(name) is an archive within the archive")
            case .unknownCompression(let name): .refused("\(name) is compressed with an unknown method")
            case .noScratch: .unavailable("the scratch folder cannot be used")
            }
    }
}
