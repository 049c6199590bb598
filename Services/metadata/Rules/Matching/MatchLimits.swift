/// The limits of matching by name.
package enum MatchLimits {
    /// Bytes of a name that are read; UTF-8.
    package static let nameBytesMax = 1_024
    /// Bytes of a lookup key. Names that differ only in what is cut off are told apart when they are compared
    /// themselves.
    package static let keyBytesMax = 120
    /// Names of one title that are kept and compared.
    package static let namesMax = 64
    /// Candidates that an answer lists.
    package static let offersMax = 10
}
