package import JSON

/// What a service says about itself: serving only when each of its dependencies is.
package struct HealthReport: Sendable, Hashable {
    /// One dependency and whether it works.
    package struct Check: Sendable, Hashable {
        /// The dependency, such as `postgres`.
        package let name: String
        package let isServing: Bool
        /// Why it does not serve; safe to show.
        package let reason: String?

        package init(name: String, isServing: Bool, reason: String? = nil) {
            self.name = name
            self.isServing = isServing
            self.reason = reason
        }
    }

    package static let method = RPCMethod(name: "health.check", isIdempotent: true)

    package let checks: [Check]

    package init(checks: [Check]) { self.checks = checks }

    package var isServing: Bool { checks.allSatisfy(\.isServing) }
}
