/// Selects which members of a foreign text are kept, by their name at any depth; the rest is checked and dropped, so
/// that a long record of which little is wanted costs little.
package struct JSONSelection: Sendable {
    let names: JSONNames
    /// The index of the first name below which everything is kept, whatever its name.
    let firstWhole: Int

    /// Takes at most 64 names in total. Below those of `whole` everything is kept.
    package init(_ names: [StaticString], whole: [StaticString] = []) {
        self.names = JSONNames(names + whole)
        firstWhole = names.count
    }
}
