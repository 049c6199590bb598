/// Which members of a text of others are kept, by their name at any depth; the rest is checked and dropped unread, so that
/// a long record of which little is wanted costs little.
package struct JSONSelection: Sendable {
    let names: JSONNames
    /// From this name on, what lies below is kept whatever it is called.
    let firstWhole: Int

    /// At most 64 names in all. Below those of `whole` everything is kept.
    package init(_ names: [StaticString], whole: [StaticString] = []) {
        self.names = JSONNames(names + whole)
        firstWhole = names.count
    }
}
