/// The first fault of a JSON text: where it is and what is wrong, such as `params.rating: 10.4 is above 10`.
@usableFromInline
package struct JSONError: Error, Sendable {
    /// One reference, so that a throwing call costs no more than a plain one.
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

    /// The byte at which the fault starts, counted from the start of the text.
    @usableFromInline
    package var offset: Int { storage.offset }
    /// What is wrong, as the end of a sentence that starts with the path; safe to show.
    @usableFromInline
    package var reason: String { storage.reason }
    /// Where it is, such as `items[3].rating`; empty for the whole text.
    @usableFromInline
    package var path: String { storage.path }

    /// The same fault seen from outside: `rating` becomes `params.rating`.
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
