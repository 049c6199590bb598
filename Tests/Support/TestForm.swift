import Foundation

/// The amount of work a test does: reduced in ordinary runs, complete if `REELAY_FAULTS` is "full".
package enum TestForm {
    private static let isFull = ProcessInfo.processInfo.environment["REELAY_FAULTS"] == "full"

    package static func choose<Value>(_ fast: Value, full: Value) -> Value { isFull ? full : fast }
}
