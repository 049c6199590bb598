internal import GZip
internal import Synchronization

/// Entity tags and compressed bytes of answers that never change, by operation name; each is made once, when first
/// needed.
final class FixedForms: Sendable {
    private struct Form {
        var tag: String?
        var packed: [UInt8]?
    }

    private let forms = Mutex<[String: Form]>([:])
    /// Held while one is compressed: others wait for its bytes instead of making them as well.
    private let packing = Mutex(())

    func tag(of operation: String, _ bytes: [UInt8]) -> String {
        if let known = forms.withLock({ $0[operation]?.tag }) { return known }
        let tag = EntityTag.of(bytes)
        forms.withLock { $0[operation, default: Form()].tag = tag }
        return tag
    }

    /// Returns the compressed bytes, if they have been made.
    func packed(of operation: String) -> [UInt8]? { forms.withLock { $0[operation]?.packed } }

    /// Returns the compressed bytes, and makes them if needed; nil if that fails. Do not call this on an event loop.
    func pack(_ bytes: [UInt8], of operation: String) -> [UInt8]? {
        packing.withLock { _ -> [UInt8]? in
            if let known = packed(of: operation) { return known }
            guard let made = try? GZip.packed(bytes) else { return nil }
            forms.withLock { $0[operation, default: Form()].packed = made }
            return made
        }
    }
}
