import CLibzip
import Glibc

/// Writes a ZIP archive file by file, holding none of them in memory: their content waits in a scratch folder, which is
/// removed with the writer. Owned by one task at a time.
package struct ArchiveWriter: ~Copyable {
    /// 2 January 1980, the earliest day that an archive can express in every time zone.
    private static let packedAt: time_t = 315_619_200

    private let folder: String
    private var names: [String] = []
    /// One for each name; nil once closed.
    private var files: [ScratchSink?] = []
    package private(set) var byteCount = 0

    /// Throws `noScratch` if the folder cannot be written.
    package init(in folder: String = ScratchFile.folder) throws(ArchiveError) {
        var template = Array("\(folder)/reelay-XXXXXX".utf8CString)
        let isMade = unsafe template.withUnsafeMutableBufferPointer { name in
            unsafe name.baseAddress.flatMap { unsafe mkdtemp($0) } != nil
        }
        guard isMade else { throw .noScratch }
        self.folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for index in names.indices { unsafe unlink("\(folder)/\(index)") }
        unsafe unlink("\(folder)/archive")
        unsafe rmdir(folder)
    }

    /// Begins the next file and closes those before it; `name` is relative, with folders separated by `/`.
    package mutating func begin(_ name: String) throws(ArchiveError) {
        for file in files.indices { close(file) }
        _ = try open(name)
    }

    /// Appends to the latest file.
    package mutating func write(_ bytes: [UInt8]) throws(ArchiveError) {
        try write(bytes, to: files.count - 1)
    }

    /// Begins a file alongside those that are open and returns its number. Each takes a descriptor until it is closed.
    package mutating func open(_ name: String) throws(ArchiveError) -> Int {
        let sink = try ScratchSink(path: "\(folder)/\(names.count)")
        names.append(name)
        files.append(sink)
        return files.count - 1
    }

    package mutating func write(_ bytes: [UInt8], to file: Int) throws(ArchiveError) {
        try files[file]?.write(bytes)
        byteCount += bytes.count
    }

    package mutating func close(_ file: Int) { files[file] = nil }

    /// Packs everything written so far.
    package consuming func finish() throws(ArchiveError) -> ScratchFile {
        files = []
        let path = "\(folder)/archive"
        guard let archive = unsafe zip_open(path, ZIP_CREATE | ZIP_EXCL, nil) else { throw .noScratch }
        for (index, name) in names.enumerated() {
            let source = unsafe zip_source_file(archive, "\(folder)/\(index)", 0, -1)
            let flags = zip_flags_t(reelay_zip_utf8_name)
            guard let source = unsafe source, unsafe zip_file_add(archive, name, source, flags) >= 0 else {
                if let source = unsafe source { unsafe zip_source_free(source) }
                unsafe zip_discard(archive)
                throw .noScratch
            }
            // The same content yields the same bytes, whenever it is packed.
            _ = unsafe zip_file_set_mtime(archive, zip_uint64_t(index), Self.packedAt, 0)
        }
        guard unsafe zip_close(archive) == 0 else {
            unsafe zip_discard(archive)
            throw .noScratch
        }
        // libzip does not create a file for an archive without entries.
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | (names.isEmpty ? O_CREAT : 0), 0o600)
        guard descriptor >= 0 else { throw .noScratch }
        let size = lseek(descriptor, 0, SEEK_END)
        return ScratchFile(adopting: descriptor, byteCount: Int(size))
    }
}

/// An open file that is appended to; closed with the last reference. Used by the task that owns the writer.
private final class ScratchSink {
    private let descriptor: Int32

    init(path: String) throws(ArchiveError) {
        descriptor = unsafe Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .noScratch }
    }

    deinit { Glibc.close(descriptor) }

    func write(_ bytes: [UInt8]) throws(ArchiveError) {
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(descriptor, buffer.baseAddress.map { unsafe $0 + done }, buffer.count - done)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .noScratch }
            done += count
        }
    }
}
