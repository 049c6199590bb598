/// A user name as people write it, and the form under which it is unique.
package struct Username: Sendable, Hashable {
    package let display: String
    /// Lower case: the contract's pattern allows ASCII only, so nothing else can look alike.
    package let key: String

    package init(_ display: String) {
        self.display = display
        self.key = display.lowercased()
    }
}
