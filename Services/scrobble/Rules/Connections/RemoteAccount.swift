/// The identity of an account on another side.
package struct RemoteAccount: Sendable, Hashable {
    /// Does not change when the account is renamed.
    package let key: String
    package let name: String

    package init(key: String, name: String) {
        self.key = key
        self.name = name
    }
}
