internal import Glibc

/// The resident code pages of the process.
enum CodePages {
    /// Releases all of them. They are clean copies of files in the page cache, so whatever runs next is mapped again
    /// without a read; what only the start needed stays out, about seven megabytes of a service.
    static func letGo() {
        guard case .text(let maps) = ConfigFile.read("/proc/self/maps") else { return }
        for range in ranges(in: maps) {
            madvise(UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count, MADV_DONTNEED)
        }
    }

    /// Returns the ranges of unwritable code mapped from files. `maps` is in the format of proc(5), `/proc/pid/maps`.
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
