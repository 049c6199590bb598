import Glibc

/// An unlinked file: it disappears with its owner, however the process ends. Used by one task at a time.
package struct ScratchFile: ~Copyable, Sendable {
    /// The default folder of scratch files.
    package static let folder = "/tmp"

    let descriptor: Int32
    package private(set) var byteCount: Int = 0

    /// Throws `noScratch` if the folder cannot be written.
    package init(in folder: String = ScratchFile.folder) throws(ArchiveError) {
        var template = Array("\(folder)/reelay-XXXXXX".utf8CString)
        descriptor = unsafe template.withUnsafeMutableBufferPointer { name in
            guard let base = name.baseAddress else { return -1 }
            let descriptor = unsafe mkstemp(base)
            if descriptor >= 0 {
                _ = unsafe unlink(base)
                _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            }
            return descriptor
        }
        guard descriptor >= 0 else { throw .noScratch }
    }

    /// Takes ownership of an open file.
    init(adopting descriptor: Int32, byteCount: Int) {
        self.descriptor = descriptor
        self.byteCount = byteCount
    }

    deinit { close(descriptor) }

    /// Appends; throws `noScratch` if the disk is full.
    package mutating func append(_ bytes: [UInt8]) throws(ArchiveError) {
        var done = 0
        while done < bytes.count {
            let at = byteCount + done
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe pwrite(descriptor, buffer.baseAddress.map { unsafe $0 + done }, buffer.count - done, off_t(at))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .noScratch }
            done += count
        }
        byteCount += done
    }

    /// Returns at most `count` bytes from `offset`; fewer at the end.
    package func read(at offset: Int, count: Int) throws(ArchiveError) -> [UInt8] {
        let wanted = max(0, min(count, byteCount - offset))
        guard wanted > 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: wanted)
        var done = 0
        while done < wanted {
            let got = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe pread(
                    descriptor, buffer.baseAddress.map { unsafe $0 + done }, wanted - done, off_t(offset + done))
            }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { throw .noScratch }
            done += got
        }
        return bytes
    }
}
