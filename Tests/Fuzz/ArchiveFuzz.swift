import Archive

/// Reads any bytes as a ZIP archive, which is read within the bounds or refused.
enum ArchiveFuzz {
    private static let limits: ArchiveLimits = {
        var limits = ArchiveLimits()
        limits.entriesMax = 16
        limits.totalBytesMax = 1 << 20
        limits.ratioFreeBytes = 4_096
        limits.pieceBytes = 4_096
        return limits
    }()

    static func run(_ bytes: [UInt8]) -> Int32 {
        _ = ArchiveReader.isArchive(bytes)
        do throws(ArchiveError) {
            var file = try ScratchFile()
            try file.append(bytes)
            var reader = try ArchiveReader(file, limits: limits)
            check(reader.entries.count <= limits.entriesMax, "\(reader.entries.count) entries")
            var total = 0
            for entry in reader.entries {
                check(entry.name.utf8.count <= limits.nameBytesMax, "a name beyond its bound")
                check(!entry.name.hasPrefix("/") && !entry.name.split(separator: "/").contains(".."), "a way out")
                if entry.isFolder { continue }
                total += try read(entry, &reader)
                check(total <= limits.totalBytesMax, "\(total) bytes in all")
            }
        } catch {
            check(error != .noScratch, "nothing can be tried without a file")
        }
        return 0
    }

    /// The length of an entry, in bytes; throws if the entry is refused.
    private static func read(_ entry: ArchiveEntry, _ reader: inout ArchiveReader) throws(ArchiveError) -> Int {
        var count = 0
        try reader.open(entry)
        while let piece = try reader.next() {
            check((1...limits.pieceBytes).contains(piece.count), "a piece of \(piece.count) bytes")
            count += piece.count
        }
        return count
    }
}
