import RPC

/// What came of the calls.
struct LoadTally: Sendable {
    private var microseconds: [Int] = []
    private var failed = 0
    private var failure: RPCError?

    mutating func add(_ duration: Duration, _ failure: RPCError?) {
        microseconds.append(Int(duration / .microseconds(1)))
        guard let failure else { return }
        failed += 1
        self.failure = self.failure ?? failure
    }

    mutating func add(_ other: LoadTally) {
        microseconds += other.microseconds
        failed += other.failed
        failure = failure ?? other.failure
    }

    /// The figures as a JSON object; the failure is the first one's code.
    func json(seconds: Duration) -> String {
        let sorted = microseconds.sorted()
        func percentile(_ share: Int) -> Int { sorted.isEmpty ? 0 : sorted[(sorted.count - 1) * share / 100] }
        let code = failure.map { String($0.code) } ?? "null"
        return #"{"calls":\#(sorted.count),"seconds":\#(seconds / .seconds(1)),"p50_us":\#(percentile(50)),"#
            + #""p99_us":\#(percentile(99)),"failed":\#(failed),"failure":\#(code)}"#
    }
}
