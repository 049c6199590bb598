package import JSON

/// A service's report on itself: it is serving only if each of its dependencies is.
package struct HealthReport: Sendable, Hashable {
    /// The state of one dependency.
    package struct Check: Sendable, Hashable {
        /// The dependency, such as `postgres`.
        package let name: String
        package let isServing: Bool
        /// Why it is not serving; safe to show.
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

extension HealthReport: JSONEncodable {
    package func encode(to writer: inout JSONWriter) {
        writer.raw("{")
        writer.member("\"status\":")
        writer.string(Self.status(isServing))
        writer.member("\"checks\":")
        writer.array(checks) { writer, check in
            writer.raw("{")
            writer.member("\"name\":")
            writer.string(check.name)
            writer.member("\"status\":")
            writer.string(Self.status(check.isServing))
            if let reason = check.reason {
                writer.member("\"reason\":")
                writer.string(reason)
            }
            writer.raw("}")
        }
        writer.raw("}")
    }

    private static func status(_ isServing: Bool) -> String { isServing ? "serving" : "not_serving" }
}
