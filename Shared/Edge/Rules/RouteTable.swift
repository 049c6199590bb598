package import Contracts

/// Finds the operation for a method and a path.
package struct RouteTable: Sendable {
    /// The result of a look-up.
    package enum Match: Sendable {
        /// The operation and the values of the path's parameters, percent-decoded.
        case found(EdgeRoute, parameters: [String: String])
        /// The path exists, but only with these methods.
        case otherMethods([String])
        case nothing
    }

    private final class Node: Sendable {
        let literals: [String: Node]
        /// The node below a parameter; literals take precedence.
        let parameter: Node?
        /// By method, each with the names of its path parameters in order.
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

    /// Returns whether a request for `target`, as received, has a body that is taken in pieces.
    package func takesUpload(_ method: String, at target: String) -> Bool {
        // For most requests the method is enough.
        guard uploadMethods.contains(method) else { return false }
        let path = Substring(target.utf8.prefix { $0 != UInt8(ascii: "?") })
        guard case .found(let route, _) = match(method, path) else { return false }
        return route.takesUpload
    }

    /// Looks up `path`, as received but without its query.
    package func match(_ method: String, _ path: some StringProtocol) -> Match {
        let path = Substring(path)
        guard path.utf8.first == UInt8(ascii: "/") else { return .nothing }
        var values: [String] = []
        guard let node = Self.find(path.utf8.dropFirst(), from: root, &values) else { return .nothing }
        guard let (route, names) = node.routes[method] else {
            return node.routes.isEmpty ? .nothing : .otherMethods(node.routes.keys.sorted())
        }
        return .found(route, parameters: Dictionary(zip(names, values)) { first, _ in first })
    }

    /// Returns the node for the segments, and adds the values of parameters; `segments` is nil at the end of the path.
    private static func find(
        _ segments: Substring.UTF8View?, from node: Node, _ values: inout [String]
    ) -> Node? {
        guard let segments else { return node.routes.isEmpty ? nil : node }
        let end = segments.firstIndex(of: UInt8(ascii: "/"))
        let rest = end.map { segments[segments.index(after: $0)...] }
        let text = Substring(segments[..<(end ?? segments.endIndex)])
        guard let segment = PercentText.decode(text, plusIsSpace: false) else { return nil }
        if let literal = node.literals[segment], let found = find(rest, from: literal, &values) { return found }
        guard let parameter = node.parameter, !segment.isEmpty else { return nil }
        values.append(segment)
        if let found = find(rest, from: parameter, &values) { return found }
        values.removeLast()
        return nil
    }
}
