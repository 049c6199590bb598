import CLibzip
import Glibc

/// One file or folder of an archive.
package struct ArchiveEntry: Sendable, Hashable {
    /// The index in the central directory.
    let index: UInt64
    /// The name stated by the archive, with folders separated by `/`; never used to write anything.
    package let name: String
    /// The unpacked size stated by the archive.
    package let claimedBytes: UInt64
    let packedBytes: UInt64
    /// The modification time stated by the archive, in seconds since 1970, read in this machine's time zone.
    package let writtenAtSeconds: Int

    package var isFolder: Bool { name.hasSuffix("/") }
}

/// Reads an untrusted ZIP archive, entry by entry and in pieces.
///
/// It checks the end record first, then the directory, and counts what entries unpack to as they do; it trusts none of
/// the sizes stated by the archive. Owned by one task at a time; deinit frees what libzip holds.
@safe package struct ArchiveReader: ~Copyable {
    private let archive: OpaquePointer
    private let limits: ArchiveLimits
    /// All entries that are files, in the archive's order.
    package let entries: [ArchiveEntry]
    private var file: OpaquePointer?
    private var current: ArchiveEntry?
    private var currentBytes = 0
    private var totalBytes = 0

    /// Throws if the archive exceeds a bound, or contains an entry that is refused whatever its content.
    package init(_ source: borrowing ScratchFile, limits: ArchiveLimits = ArchiveLimits()) throws(ArchiveError) {
        let reach = min(source.byteCount, EndRecord.reachBytes)
        var end = try EndRecord(tail: try source.read(at: source.byteCount - reach, count: reach))
        for place in end.longRecords.prefix(Self.longRecordsMax) {
            guard let place = Int(exactly: place) else { throw .damaged }
            end.take(long: try source.read(at: place, count: EndRecord.longRecordBytes))
        }
        guard end.longRecords.count <= Self.longRecordsMax else { throw .damaged }
        try end.check(limits)
        // libzip closes the descriptor it is given.
        let copy = fcntl(source.descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw .noScratch }
        lseek(copy, 0, SEEK_SET)
        guard let archive = unsafe zip_fdopen(copy, 0, nil) else {
            close(copy)
            throw .damaged
        }
        let found: [ArchiveEntry]
        do throws(ArchiveError) {
            found = try unsafe Self.entries(of: archive, limits)
        } catch {
            unsafe zip_discard(archive)
            throw error
        }
        unsafe self.archive = archive
        self.limits = limits
        entries = found
    }

    deinit {
        if let file = unsafe file { _ = unsafe zip_fclose(file) }
        unsafe zip_discard(archive)
    }

    /// The number of ZIP64 records that are read; an honest archive has one.
    private static let longRecordsMax = 4

    /// Opens an entry, whose content `next` returns.
    package mutating func open(_ entry: ArchiveEntry) throws(ArchiveError) {
        if let file = unsafe file { _ = unsafe zip_fclose(file) }
        unsafe file = unsafe zip_fopen_index(archive, entry.index, 0)
        current = entry
        currentBytes = 0
        guard unsafe file != nil else { throw unsafe failure(zip_get_error(archive), entry) }
    }

    /// Returns the next piece of the entry, or nil at its end. Throws if the entry exceeds a bound, is itself an
    /// archive, or does not match its checksum.
    package mutating func next() throws(ArchiveError) -> [UInt8]? {
        guard let file = unsafe file, let entry = current else { return nil }
        var piece = [UInt8](repeating: 0, count: limits.pieceBytes)
        let count = unsafe piece.withUnsafeMutableBytes { buffer in
            unsafe zip_fread(file, buffer.baseAddress, zip_uint64_t(buffer.count))
        }
        guard count >= 0 else { throw unsafe failure(zip_file_get_error(file), entry) }
        guard count > 0 else {
            _ = unsafe zip_fclose(file)
            unsafe self.file = nil
            // libzip checks the content against the checksum but not against the size.
            guard UInt64(currentBytes) == entry.claimedBytes else { throw .damaged }
            return nil
        }
        piece.removeLast(piece.count - Int(count))
        if currentBytes == 0, Self.isArchive(piece) { throw .nested(entry.name) }
        currentBytes += piece.count
        totalBytes += piece.count
        guard totalBytes <= limits.totalBytesMax else { throw .tooLarge }
        guard UInt64(currentBytes) <= entry.claimedBytes else { throw .damaged }
        if currentBytes > limits.ratioFreeBytes {
            let (allowed, isHuge) = Int(clamping: entry.packedBytes).multipliedReportingOverflow(by: limits.ratioMax)
            guard isHuge || currentBytes - limits.ratioFreeBytes <= allowed else { throw .tooTightlyPacked(entry.name) }
        }
        return piece
    }

    private static func entries(
        of archive: OpaquePointer, _ limits: ArchiveLimits
    ) throws(ArchiveError) -> [ArchiveEntry] {
        let count = unsafe zip_get_num_entries(archive, 0)
        guard count >= 0 else { throw .damaged }
        guard count <= limits.entriesMax else { throw .tooManyEntries }
        var entries: [ArchiveEntry] = []
        for index in 0..<UInt64(count) {
            var facts = unsafe zip_stat_t()
            guard unsafe zip_stat_index(archive, index, 0, &facts) == 0,
                let text = unsafe zip_get_name(archive, index, zip_flags_t(reelay_zip_guess_name))
            else { throw .damaged }
            let name = unsafe String(cString: text)
            guard name.utf8.count <= limits.nameBytesMax, isSafe(name) else {
                throw .unsafeName(String(name.prefix(shownNameMax)))
            }
            if unsafe facts.encryption_method != UInt16(ZIP_EM_NONE) { throw .encrypted(name) }
            if try unsafe isLink(archive, index) { throw .symbolicLink(name) }
            let entry = unsafe ArchiveEntry(
                index: index, name: name, claimedBytes: facts.size, packedBytes: facts.comp_size,
                writtenAtSeconds: facts.mtime)
            if !entry.isFolder { entries.append(entry) }
        }
        return entries
    }

    /// Characters of an unsafe name shown in an error.
    private static let shownNameMax = 100

    /// Whether a name stays inside the folder that it might be unpacked to.
    private static func isSafe(_ name: String) -> Bool {
        let parts = name.split(omittingEmptySubsequences: false) { $0 == "/" || $0 == "\\" }
        if name.isEmpty || parts.first?.isEmpty ?? true { return false }
        if let drive = parts.first, drive.utf8.count == 2, drive.hasSuffix(":") { return false }
        return !parts.contains("..")
    }

    private static func isLink(_ archive: OpaquePointer, _ index: UInt64) throws(ArchiveError) -> Bool {
        var (system, attributes): (UInt8, UInt32) = (0, 0)
        guard unsafe zip_file_get_external_attributes(archive, index, 0, &system, &attributes) == 0 else {
            throw .damaged
        }
        return system == UInt8(reelay_zip_unix) && (attributes >> 16) & S_IFMT == S_IFLNK
    }

    /// The magic bytes of ZIP, gzip, 7z, RAR, xz and bzip2.
    private static let archiveFronts: [[UInt8]] = [
        [0x50, 0x4B, 3, 4], [0x50, 0x4B, 5, 6], [0x1F, 0x8B], [0x37, 0x7A, 0xBC, 0xAF], [0x52, 0x61, 0x72, 0x21, 0x1A],
        [0xFD, 0x37, 0x7A, 0x58, 0x5A], [0x42, 0x5A, 0x68],
    ]

    /// Whether `bytes` begin like an archive.
    package static func isArchive(_ bytes: some Collection<UInt8>) -> Bool {
        archiveFronts.contains { bytes.starts(with: $0) }
    }

    private func failure(_ error: UnsafeMutablePointer<zip_error_t>?, _ entry: ArchiveEntry) -> ArchiveError {
        switch unsafe error.map({ unsafe zip_error_code_zip($0) }) {
        case ZIP_ER_ENCRNOTSUPP, ZIP_ER_NOPASSWD, ZIP_ER_WRONGPASSWD: .encrypted(entry.name)
        case ZIP_ER_COMPNOTSUPP: .unknownCompression(entry.name)
        case ZIP_ER_READ, ZIP_ER_SEEK, ZIP_ER_MEMORY: .noScratch
        default: .damaged
        }
    }
}
