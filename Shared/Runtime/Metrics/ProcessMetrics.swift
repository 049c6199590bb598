internal import Glibc

/// What the kernel reports about this process, read at each scrape.
enum ProcessMetrics {
    /// Families in the Prometheus text format, under the names shared by its client libraries.
    static func exposition() -> [UInt8] {
        var text: [UInt8] = []
        if let pages = firstNumbers("/proc/self/statm", count: 2)?.last {
            MetricText.appendSingle(
                "process_resident_memory_bytes", .gauge, pages * Double(sysconf(Int32(_SC_PAGESIZE))),
                help: "Memory in RAM.", to: &text)
        }
        var usage = rusage()
        if getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 {
            let seconds = [usage.ru_utime, usage.ru_stime]
                .map { Double($0.tv_sec) + Double($0.tv_usec) / 1e6 }.reduce(0, +)
            MetricText.appendSingle(
                "process_cpu_seconds_total", .counter, seconds, help: "Processor time spent.", to: &text)
        }
        if let count = openDescriptors() {
            MetricText.appendSingle(
                "process_open_fds", .gauge, Double(count), help: "Open file descriptors.", to: &text)
        }
        return text
    }

    private static func firstNumbers(_ path: String, count: Int) -> [Double]? {
        guard case .text(let text) = ConfigFile.read(path) else { return nil }
        let numbers = text.split(separator: " ").prefix(count).compactMap { Double(String($0)) }
        return numbers.count == count ? numbers : nil
    }

    private static func openDescriptors() -> Int? {
        guard let folder = opendir("/proc/self/fd") else { return nil }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // Minus the entries for the folder itself, its parent, and the descriptor of this listing.
        return count - 3
    }
}
