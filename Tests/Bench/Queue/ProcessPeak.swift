import Glibc

/// The most memory that this process ever held.
enum ProcessPeak {
    static var megabytes: Double {
        var usage = rusage()
        // Linux counts in KiB.
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Double(usage.ru_maxrss) / 1_024
    }
}
