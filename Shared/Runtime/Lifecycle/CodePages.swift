internal import Glibc

/// The pages of the process's code that are in its memory.
enum CodePages {
    /// Lets go of all of them. They are clean copies of files in the kernel's cache, so that whatever runs next is mapped
    /// again without a read; what only the start needed stays out, about seven megabytes of a service.
    static func letGo() {
        guard case .text(let maps) = ConfigFile.read("/proc/self/maps") else { return }
        for range in ranges(in: maps) {
            madvise(UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count, MADV_DONTNEED)
        }
    }

    /// Where code lies that comes from a file and that nobody may write to. `maps` as in proc(5), `/proc/pid/maps`.
    static func ranges(in maps: String) -> [Range<UInt>] {
        maps.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ", maxSplits: 5)
            guard fields.count == 6, fields[1] == "r-xp", fields[5].drop(while: { $0 == " " }).hasPrefix("/") else {
                return nil
            }
            let bounds = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            guard bounds.count == 2, bounds[0] < bounds[1] else { return nil }
            return bounds[0]..<bounds[1]
        }
    }
}
