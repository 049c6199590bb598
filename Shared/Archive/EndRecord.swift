/// What the end of a ZIP archive says of its size, read before anything else is (APPNOTE 4.3.14 to 4.3.16).
///
/// A reader looks for the record from the end and may settle on any that fits; whoever wants to hide a large
/// directory writes several. So every candidate counts.
struct EndRecord: Sendable, Hashable {
    /// How far from the end a record can stand: its 22 bytes and a comment of 65,535, and the locator of ZIP64.
    static let reachBytes = 22 + 65_535 + 20

    private(set) var entryCount: UInt64 = 0
    private(set) var directoryBytes: UInt64 = 0
    /// Where records of ZIP64 stand, from the front of the file; `take(long:)` wants 56 bytes of each.
    private(set) var longRecords: [UInt64] = []

    static let longRecordBytes = 56

    /// Reads the last bytes of the file, `reachBytes` or all of it. Throws `notAnArchive` where there is no record.
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

    /// A record of ZIP64, where one is.
    mutating func take(long bytes: [UInt8]) {
        guard bytes.count >= Self.longRecordBytes, Self.number(bytes, 0, bytes: 4) == 0x0606_4b50 else { return }
        raise(entries: Self.number(bytes, 24, bytes: 8), directory: Self.number(bytes, 40, bytes: 8))
        raise(entries: Self.number(bytes, 32, bytes: 8), directory: 0)
    }

    /// Throws `tooManyEntries` and `tooLarge`. All ones mean that the long record tells.
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
