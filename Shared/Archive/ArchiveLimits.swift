/// Bounds of a ZIP archive that comes from outside.
package struct ArchiveLimits: Sendable, Hashable {
    /// Entries, including folders; the end record is checked against this before the archive is opened.
    package var entriesMax = 10_000
    /// Bytes of the central directory: 4 MiB, about 400 for each of `entriesMax` entries.
    package var directoryBytesMax = 4 << 20
    /// Bytes that all entries together unpack to, counted while unpacking: 200 MiB.
    package var totalBytesMax = 200 << 20
    /// Bytes that one packed byte of an entry may unpack to, on average.
    package var ratioMax = 100
    /// Bytes of an entry that are exempt from the ratio: 1 MiB. Real exports contain files of nothing but U+0000.
    package var ratioFreeBytes = 1 << 20
    /// Bytes of an entry's name.
    package var nameBytesMax = 1_024
    /// Bytes unpacked at a time.
    package var pieceBytes = 64 << 10

    package init() {}
}

/// The reason an archive is refused.
package enum ArchiveError: Error, Sendable, Hashable {
    /// It has no end record.
    case notAnArchive
    /// Its parts contradict each other, or a checksum or size it states is wrong.
    case damaged
    case tooManyEntries
    /// The central directory or the unpacked entries exceed their bound.
    case tooLarge
    /// An entry unpacks to far more than any honest file does.
    case tooTightlyPacked(String)
    case encrypted(String)
    case symbolicLink(String)
    /// An absolute name, or one that leads out of its folder.
    case unsafeName(String)
    /// An archive inside the archive.
    case nested(String)
    /// A compression method that libzip does not know.
    case unknownCompression(String)
    /// The scratch folder cannot be written or read.
    case noScratch
}
