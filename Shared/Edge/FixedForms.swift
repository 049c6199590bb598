internal import GZip
internal import Synchronization

/// What is made of answers that are always the same, their entity tags and their packed bytes, by the name of the operation:
/// once, when it is needed first.
final class FixedForms: Sendable {
    private struct Form {
        var tag: String?
        var packed: [UInt8]?
    }

    private let forms = Mutex<[String: Form]>([:])
    /// Held while one is packed: others wait for its bytes instead of making them as well.
    private let packing = Mutex(())

    func tag(of operation: String, _ bytes: [UInt8]) -> String {
        if let known = forms.withLock({ $0[operation]?.tag }) { return known }
        let tag = EntityTag.of(bytes)
        forms.withLock { $0[operation, default: Form()].tag = tag }
        return tag
    }

    /// The packed bytes, where they have been made.
    func packed(of operation: String) -> [UInt8]? { forms.withLock { $0[operation]?.packed } }

    /// The packed bytes, made where they have not been; not for a loop. Nil where that cannot be done.
    func pack(_ bytes: [UInt8], of operation: String) -> [UInt8]? {
        packing.withLock { _ -> [UInt8]? in
            if let known = packed(of: operation) { return known }
            guard let made = try? GZip.packed(bytes) else { return nil }
            forms.withLock { $0[operation, default: Form()].packed = made }
            return made
        }
    }
}
