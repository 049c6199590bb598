import Foundation

/// How much a test does: less in every run of the tests, all that is wanted where `REELAY_FAULTS` is "full".
package enum TestForm {
    private static let isFull = ProcessInfo.processInfo.environment["REELAY_FAULTS"] == "full"

    package static func choose<Value>(_ fast: Value, full: Value) -> Value { isFull ? full : fast }
}
