/// A text that must never reach a log, a metric, a trace or an error: all its descriptions are `***`.
package struct Secret: Sendable {
    /// The text itself; review every use.
    package let revealed: String

    package init(_ text: String) {
        revealed = text
    }
}

extension Secret: Equatable {
    /// Compares in a time that depends only on the lengths.
    package static func == (left: Secret, right: Secret) -> Bool {
        ConstantTime.equal(Array(left.revealed.utf8), Array(right.revealed.utf8))
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "***" }
    package var debugDescription: String { "***" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
