package import Contracts

/// Finds the operation for a method and a path.
package struct RouteTable: Sendable {
    /// What a path and a method come to.
    package enum Match: Sendable {
        /// The operation and the values of the path's parameters, percent-decoded.
        case found(EdgeRoute, parameters: [String: String])
        /// The path exists with these methods only.
        case otherMethods([String])
        case nothing
    }

    private final class Node: Sendable {
        let literals: [String: Node]
        /// The node below a parameter; a literal is preferred to it.
        let parameter: Node?
        /// By method, each with the names of its path's parameters in order.
        let routes: [String: (route: EdgeRoute, names: [String])]

        init(_ entries: [Entry]) {
            var literals: [String: [Entry]] = [:]
            var parameters: [Entry] = []
            var routes: [String: (EdgeRoute, [String])] = [:]
            for entry in entries {
                guard let segment = entry.rest.first else {
                    routes[entry.route.method] = (entry.route, entry.names)
                    continue
                }
                if segment.hasPrefix("{") {
                    parameters.append(entry.below(naming: String(segment.dropFirst().dropLast())))
                } else {
                    literals[segment, default: []].append(entry.below())
                }
            }
            self.literals = literals.mapValues(Node.init)
            self.parameter = parameters.isEmpty ? nil : Node(parameters)
            self.routes = routes
        }
    }

    private struct Entry {
        let route: EdgeRoute
        var rest: ArraySlice<String>
        var names: [String] = []

        func below(naming name: String? = nil) -> Entry {
            Entry(route: route, rest: rest.dropFirst(), names: names + [name].compactMap(\.self))
        }
    }

    private let root: Node
    private let uploadMethods: Set<String>

    package init(_ routes: [EdgeRoute]) {
        uploadMethods = Set(routes.filter(\.takesUpload).map(\.method))
        root = Node(routes.map { Entry(route: $0, rest: $0.path.split(separator: "/").map(String.init)[...]) })
    }

    /// Whether a request for `path`, as it came, brings its body in pieces.
    package func takesUpload(_ method: String, _ path: some StringProtocol) -> Bool {
        guard uploadMethods.contains(method), case .found(let route, _) = match(method, path) else { return false }
        return route.takesUpload
    }

    /// `path` as it came, without its query.
    package func match(_ method: String, _ path: some StringProtocol) -> Match {
        let path = Substring(path)
        guard path.utf8.first == UInt8(ascii: "/") else { return .nothing }
        var segments: [String] = []
        for segment in path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard let decoded = PercentText.decode(Substring(segment), plusIsSpace: false) else { return .nothing }
            segments.append(decoded)
        }
        guard let (node, values) = Self.find(segments[...], from: root, values: []) else {
            return .nothing
        }
        guard let (route, names) = node.routes[method] else {
            return node.routes.isEmpty ? .nothing : .otherMethods(node.routes.keys.sorted())
        }
        return .found(route, parameters: Dictionary(zip(names, values)) { first, _ in first })
    }

    private static func find(
        _ segments: ArraySlice<String>, from node: Node, values: [String]
    ) -> (Node, [String])? {
        guard let segment = segments.first else { return node.routes.isEmpty ? nil : (node, values) }
        let rest = segments.dropFirst()
        if let literal = node.literals[segment], let found = find(rest, from: literal, values: values) { return found }
        guard let parameter = node.parameter, !segment.isEmpty else { return nil }
        return find(rest, from: parameter, values: values + [segment])
    }
}
