/// What a JSON text may contain before it is refused; every bound is inclusive.
@usableFromInline
package struct JSONLimits: Sendable, Hashable {
    /// Nested containers.
    @usableFromInline
    package var depthMax = 64
    /// Bytes of the text of one number.
    @usableFromInline
    package var numberBytesMax = 64
    /// Bytes of one string between its quotes, as sent.
    @usableFromInline
    package var stringBytesMax = 262_144
    /// Members of one object, including unknown ones.
    @usableFromInline
    package var membersMax = 1_000
    /// Elements of one array.
    @usableFromInline
    package var elementsMax = 10_000

    @usableFromInline
    package init() {}

    /// The limits of requests and responses between services.
    @usableFromInline
    package static let standard = JSONLimits()
}
