import Contracts
import Synchronization

/// What stands in the log for people, remembered for those who asked lately: whoever makes one request after the other is not
/// digested for each.
final class PersonDigests: Sendable {
    /// People who are remembered; beyond, it begins anew.
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
