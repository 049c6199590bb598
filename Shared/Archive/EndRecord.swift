/// The sizes stated at the end of a ZIP archive, read before anything else (APPNOTE 4.3.14 to 4.3.16).
///
/// Readers search for the record from the end and may settle on any that fits; an archive that hides a large directory
/// contains several. So every candidate counts.
struct EndRecord: Sendable, Hashable {
    /// The maximum distance of a record from the end: its 22 bytes, a comment of 65,535, and the ZIP64 locator.
    static let reachBytes = 22 + 65_535 + 20

    private(set) var entryCount: UInt64 = 0
    private(set) var directoryBytes: UInt64 = 0
    /// The offsets of ZIP64 records from the start of the file; `take(long:)` needs 56 bytes of each.
    private(set) var longRecords: [UInt64] = []

    static let longRecordBytes = 56

    /// Reads the last bytes of the file, `reachBytes` or all of it. Throws `notAnArchive` if there is no record.
    init(tail: [UInt8]) throws(ArchiveError) {
        var isFound = false
        var at = tail.count - 22
        while at >= 0 {
            if Self.number(tail, at, bytes: 4) == 0x0605_4b50 {
                isFound = true
                raise(entries: Self.number(tail, at + 8, bytes: 2), directory: Self.number(tail, at + 12, bytes: 4))
                raise(entries: Self.number(tail, at + 10, bytes: 2), directory: 0)
                if at >= 20, Self.number(tail, at - 20, bytes: 4) == 0x0706_4b50 {
                    longRecords.append(Self.number(tail, at - 20 + 8, bytes: 8))
                }
            }
            at -= 1
        }
        guard isFound else { throw .notAnArchive }
    }

    /// Takes a ZIP64 record, if `bytes` are one.
    mutating func take(long bytes: [UInt8]) {
        guard bytes.count >= Self.longRecordBytes, Self.number(bytes, 0, bytes: 4) == 0x0606_4b50 else { return }
        raise(entries: Self.number(bytes, 24, bytes: 8), directory: Self.number(bytes, 40, bytes: 8))
        raise(entries: Self.number(bytes, 32, bytes: 8), directory: 0)
    }

    /// Throws `tooManyEntries` and `tooLarge`. All ones mean that the ZIP64 record has the value.
    func check(_ limits: ArchiveLimits) throws(ArchiveError) {
        guard entryCount <= UInt64(limits.entriesMax) else { throw .tooManyEntries }
        guard directoryBytes <= UInt64(limits.directoryBytesMax) else { throw .tooLarge }
    }

    private mutating func raise(entries: UInt64, directory: UInt64) {
        if entries != 0xFFFF { entryCount = max(entryCount, entries) }
        if directory != 0xFFFF_FFFF { directoryBytes = max(directoryBytes, directory) }
    }

    private static func number(_ bytes: [UInt8], _ at: Int, bytes count: Int) -> UInt64 {
        guard at >= 0, at + count <= bytes.count else { return 0 }
        var value: UInt64 = 0
        for place in stride(from: count - 1, through: 0, by: -1) { value = value << 8 | UInt64(bytes[at + place]) }
        return value
    }
}
