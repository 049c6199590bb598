/// What a JSON text may hold before it is refused; every bound is inclusive.
@usableFromInline
package struct JSONLimits: Sendable, Hashable {
    /// Containers inside each other.
    @usableFromInline
    package var depthMax = 64
    /// Bytes of the text of one number.
    @usableFromInline
    package var numberBytesMax = 64
    /// Bytes of one string between its quotes, as sent.
    @usableFromInline
    package var stringBytesMax = 262_144
    /// Members of one object, unknown ones included.
    @usableFromInline
    package var membersMax = 1_000
    /// Elements of one array.
    @usableFromInline
    package var elementsMax = 10_000

    @usableFromInline
    package init() {}

    /// The limits of requests and answers between services.
    @usableFromInline
    package static let standard = JSONLimits()
}
