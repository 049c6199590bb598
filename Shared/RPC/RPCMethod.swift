/// One method of a service as its contract names it; generated.
@usableFromInline
package struct RPCMethod: Sendable, Hashable {
    /// The wire name, such as `ratings.rateTitle`: ASCII letters, digits, dots and underscores, case-sensitive.
    package let name: String
    /// Whether running the method twice has the effect of running it once, so that a client may retry it.
    package let isIdempotent: Bool

    package init(name: String, isIdempotent: Bool) {
        self.name = name
        self.isIdempotent = isIdempotent
    }
}
