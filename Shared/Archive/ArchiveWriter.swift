import CLibzip
import Glibc

/// Writes a ZIP archive file by file, holding none of them in memory: what is written waits in a scratch folder, which
/// goes with the writer. Owned by one task at a time.
package struct ArchiveWriter: ~Copyable {
    private let folder: String
    private var names: [String] = []
    private var file: ScratchSink?
    package private(set) var byteCount = 0

    /// Throws `noScratch` where the folder cannot be written.
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

    /// Begins the next file; `name` is relative, its folders parted by `/`.
    package mutating func begin(_ name: String) throws(ArchiveError) {
        file = nil
        let path = "\(folder)/\(names.count)"
        names.append(name)
        file = try ScratchSink(path: path)
    }

    package mutating func write(_ bytes: [UInt8]) throws(ArchiveError) {
        try file?.write(bytes)
        byteCount += bytes.count
    }

    /// Packs what was written.
    package consuming func finish() throws(ArchiveError) -> ScratchFile {
        file = nil
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
        }
        guard unsafe zip_close(archive) == 0 else {
            unsafe zip_discard(archive)
            throw .noScratch
        }
        // An archive of no files is no file at all, to libzip.
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | (names.isEmpty ? O_CREAT : 0), 0o600)
        guard descriptor >= 0 else { throw .noScratch }
        let size = lseek(descriptor, 0, SEEK_END)
        return ScratchFile(adopting: descriptor, byteCount: Int(size))
    }
}

/// One open file that is appended to.
private struct ScratchSink: ~Copyable {
    private let descriptor: Int32

    init(path: String) throws(ArchiveError) {
        descriptor = unsafe Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .noScratch }
    }

    deinit { close(descriptor) }

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
