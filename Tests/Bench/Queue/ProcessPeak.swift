import Glibc

/// The peak resident memory of this process.
enum ProcessPeak {
    static var megabytes: Double {
        var usage = rusage()
        // Linux reports KiB.
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Double(usage.ru_maxrss) / 1_024
    }
}
