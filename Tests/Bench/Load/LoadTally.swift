import JSON

/// The results of the calls.
struct LoadTally {
    private var microseconds: [Int] = []
    /// The number of answered calls, including those before and after the measurement.
    var answeredCount = 0
    private var failed = 0
    private var failure: String?

    mutating func add(_ took: Duration, _ fault: String?) {
        microseconds.append(Int(took / .microseconds(1)))
        guard let fault else { return }
        failed += 1
        failure = failure ?? fault
    }

    /// The figures as a JSON object, with the first failure.
    func json(seconds: Duration) -> String {
        let sorted = microseconds.sorted()
        func percentile(_ share: Int) -> Int { sorted.isEmpty ? 0 : sorted[(sorted.count - 1) * share / 100] }
        var writer = JSONWriter()
        if let failure { writer.string(failure) } else { writer.raw("null") }
        return #"{"answered":\#(answeredCount),"calls":\#(sorted.count),"seconds":\#(seconds / .seconds(1)),"#
            + #""p50_us":\#(percentile(50)),"p99_us":\#(percentile(99)),"failed":\#(failed),"failure":"#
            + String(decoding: writer.bytes, as: UTF8.self) + "}"
    }
}
