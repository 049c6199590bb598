/// Bounds of matching by name.
package enum MatchLimits {
    /// Bytes of a name that are looked at; UTF-8.
    package static let nameBytesMax = 1_024
    /// Bytes of a look-up key. What is cut off is told apart when the names themselves are compared.
    package static let keyBytesMax = 120
    /// Names of one title that are kept and compared.
    package static let namesMax = 64
    /// Candidates that an answer lists.
    package static let offersMax = 10
}
