/// The first fault of a JSON text: where it is and what is wrong, such as `params.rating: 10.4 is above 10`.
@usableFromInline
package struct JSONError: Error, Sendable {
    /// A single reference, so that a throwing call costs no more than a plain one.
    private final class Storage: Sendable {
        let offset: Int
        let reason: String
        let path: String

        init(offset: Int, reason: String, path: String) {
            self.offset = offset
            self.reason = reason
            self.path = path
        }
    }

    private let storage: Storage

    @usableFromInline
    package init(offset: Int, reason: String, path: String = "") {
        storage = Storage(offset: offset, reason: reason, path: path)
    }

    /// The offset, in bytes from the start of the text, at which the fault starts.
    @usableFromInline
    package var offset: Int { storage.offset }
    /// What is wrong, phrased to follow the path in a sentence; safe to show.
    @usableFromInline
    package var reason: String { storage.reason }
    /// Where it is, such as `items[3].rating`; empty for the whole text.
    @usableFromInline
    package var path: String { storage.path }

    /// Returns the same fault seen from outside: `rating` becomes `params.rating`.
    @usableFromInline
    package func prefixed(by component: String) -> JSONError {
        let joint = path.isEmpty || path.hasPrefix("[") ? "" : "."
        return JSONError(offset: offset, reason: reason, path: component + joint + path)
    }
}

extension JSONError: CustomStringConvertible {
    @usableFromInline
    package var description: String { path.isEmpty ? reason : "\(path): \(reason)" }
}
