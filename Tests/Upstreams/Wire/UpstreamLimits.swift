/// The bounds of the emulators.
package enum UpstreamLimits {
    /// The largest number of requests kept in the book; the oldest are dropped first.
    package static let bookEntriesMax = 10_000
    /// The largest number of faults pending at once.
    package static let faultsMax = 100
    /// The largest request body, in bytes.
    package static let requestBodyBytesMax = 8_388_608
    /// The largest oversized answer, in bytes.
    package static let oversizedBytesMax = 67_108_864
    /// The longest latency, hang or pause between two dripped bytes: ten minutes.
    package static let waitMillisecondsMax = 600_000
}
