import Contracts
import Synchronization

/// The digests that stand for people in the log, cached so that successive requests of a person are not digested each
/// time.
final class PersonDigests: Sendable {
    /// The maximum number of people in the cache; beyond it, the cache is emptied.
    static let peopleMax = 10_000

    private let digest: @Sendable (UserID) -> String
    private let known = Mutex<[UserID: String]>([:])

    init(_ digest: @escaping @Sendable (UserID) -> String) { self.digest = digest }

    func of(_ person: UserID) -> String {
        if let text = known.withLock({ $0[person] }) { return text }
        let text = digest(person)
        known.withLock { known in
            if known.count >= Self.peopleMax { known.removeAll(keepingCapacity: true) }
            known[person] = text
        }
        return text
    }
}
