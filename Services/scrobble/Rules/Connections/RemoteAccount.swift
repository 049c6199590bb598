/// Whose an account elsewhere is.
package struct RemoteAccount: Sendable, Hashable {
    /// Stays when the account gets another name.
    package let key: String
    package let name: String

    package init(key: String, name: String) {
        self.key = key
        self.name = name
    }
}
