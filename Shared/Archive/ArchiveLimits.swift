/// Bounds of a ZIP archive that comes from outside.
package struct ArchiveLimits: Sendable, Hashable {
    /// Entries, folders included; more are refused by the end record, before the archive is opened.
    package var entriesMax = 10_000
    /// Bytes of the central directory: 4 MiB, 400 for each of the most entries.
    package var directoryBytesMax = 4 << 20
    /// Bytes that all entries together unpack to, counted while they do: 200 MiB.
    package var totalBytesMax = 200 << 20
    /// Bytes that one packed byte of an entry may become, on average.
    package var ratioMax = 100
    /// Bytes of an entry for which the ratio is not counted: 1 MiB. Real exports hold files of nothing but U+0000.
    package var ratioFreeBytes = 1 << 20
    /// Bytes of an entry's name.
    package var nameBytesMax = 1_024
    /// Bytes that are unpacked at a time.
    package var pieceBytes = 64 << 10

    package init() {}
}

/// Why an archive is refused.
package enum ArchiveError: Error, Sendable, Hashable {
    /// It has no end record.
    case notAnArchive
    /// Its parts contradict one another, or a checksum or a size that it tells does not hold.
    case damaged
    case tooManyEntries
    /// The central directory, or what the entries unpack to, is beyond its bound.
    case tooLarge
    /// An entry unpacks to far more than any honest file.
    case tooTightlyPacked(String)
    case encrypted(String)
    case symbolicLink(String)
    /// An absolute name, or one that leads out of its folder.
    case unsafeName(String)
    /// An archive within the archive.
    case nested(String)
    /// A compression that libzip does not know.
    case unknownCompression(String)
    /// The scratch folder cannot be written or read.
    case noScratch
}
