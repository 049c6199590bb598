/// A text that must never reach a log, a metric, a trace or an error: every description of it is `***`.
package struct Secret: Sendable {
    /// The text itself; each use is a place to review.
    package let revealed: String

    package init(_ text: String) {
        revealed = text
    }
}

extension Secret: Equatable {
    /// Compares in a time that depends on the lengths only.
    package static func == (left: Secret, right: Secret) -> Bool {
        ConstantTime.equal(Array(left.revealed.utf8), Array(right.revealed.utf8))
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "***" }
    package var debugDescription: String { "***" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
