/// Every bound of the emulators.
package enum UpstreamLimits {
    /// Requests kept in the book; the oldest go first.
    package static let bookEntriesMax = 10_000
    /// Faults waiting at one time.
    package static let faultsMax = 100
    /// Longest body that a request may have.
    package static let requestBodyBytesMax = 8_388_608
    /// Largest oversized answer.
    package static let oversizedBytesMax = 67_108_864
    /// Longest latency, hang or pause between two dripped bytes: ten minutes.
    package static let waitMillisecondsMax = 600_000
}
