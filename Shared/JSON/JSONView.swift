/// A foreign text that was read once: a table of positions in its bytes describes what is kept of it, and strings and
/// numbers are only made on request.
final class JSONDocument: Sendable {
    /// One value, or the name before a member's value.
    struct Node: Sendable {
        enum Kind: UInt8, Sendable { case null, no, yes, number, string, escaped, array, object, name, escapedName }

        let kind: Kind
        /// The index among the selected names; `undeclared` for a name kept below a whole member.
        var name = Node.undeclared
        /// The offset of the text; unused for containers.
        var start: UInt32 = 0
        /// The length of the text, in bytes.
        var count: UInt32 = 0
        /// The index of the node after this value and everything in it.
        var next: UInt32 = 0

        static let undeclared = UInt8.max
    }

    let bytes: [UInt8]
    let nodes: [Node]
    let names: JSONNames?

    init(_ bytes: [UInt8], _ nodes: [Node], _ names: JSONNames?) {
        self.bytes = bytes
        self.nodes = nodes
        self.names = names
    }
}

/// A value in a foreign text. What is absent or of another kind is null or nil.
package struct JSONView: Sendable {
    /// Nil for null, whatever its origin.
    private let document: JSONDocument?
    private let index: Int

    package static let null = JSONView(nil, 0)

    fileprivate init(_ document: JSONDocument?, _ index: Int) {
        self.document = document
        self.index = index
    }

    private var node: JSONDocument.Node? { document?.nodes[index] }

    package var isNull: Bool { node.map { $0.kind == .null } ?? true }
    package var isObject: Bool { node?.kind == .object }

    package var bool: Bool? {
        switch node?.kind {
        case .yes: true
        case .no: false
        default: nil
        }
    }

    package var string: String? {
        guard let document, let node, node.kind == .string || node.kind == .escaped else { return nil }
        return document.text(node)
    }

    package var number: JSONNumber? {
        guard let document, let node, node.kind == .number else { return nil }
        return JSONNumber(checked: document.text(node))
    }

    /// The value, if it is an integer that fits.
    package var int: Int? {
        guard let document, let node, node.kind == .number else { return nil }
        return document.simpleInt(node) ?? JSONNumber(checked: document.text(node)).int
    }

    /// The elements; empty if the value is not an array.
    package var array: [JSONView] {
        guard let document, let node, node.kind == .array else { return [] }
        var elements: [JSONView] = []
        var place = index + 1
        while place < Int(node.next) {
            elements.append(JSONView(document, place))
            place = Int(document.nodes[place].next)
        }
        return elements
    }

    /// The members that were kept, in order; empty if the value is not an object.
    package var members: [(name: String, value: JSONView)] {
        guard let document, let node, node.kind == .object else { return [] }
        var members: [(name: String, value: JSONView)] = []
        var place = index + 1
        while place < Int(node.next) {
            let name = document.nodes[place]
            members.append((document.text(name), JSONView(document, place + 1)))
            place = Int(document.nodes[place + 1].next)
        }
        return members
    }

    package subscript(name: StaticString) -> JSONView {
        guard let document, let node, node.kind == .object,
            let place = document.value(of: name, from: index + 1, to: Int(node.next))
        else { return .null }
        return JSONView(document, place)
    }

    package subscript(place: Int) -> JSONView {
        let elements = array
        return elements.indices.contains(place) ? elements[place] : .null
    }
}

extension JSONDocument {
    fileprivate func text(_ node: Node) -> String {
        bytes.withUnsafeBytes { buffer in
            if node.name != Node.undeclared, let names { return "\(names.text(at: Int(node.name)))" }
            let span = JSONReader.StringSpan(
                start: Int(node.start), count: Int(node.count),
                hasEscapes: node.kind == .escaped || node.kind == .escapedName, isASCII: false)
            return JSONReader(buffer).text(span)
        }
    }

    /// Parses a number of up to 18 digits and nothing else.
    fileprivate func simpleInt(_ node: Node) -> Int? {
        guard node.count <= 18 else { return nil }
        var value = 0
        for byte in bytes[Int(node.start)..<Int(node.start + node.count)] {
            guard byte &- UInt8(ascii: "0") < 10 else { return nil }
            value = value &* 10 &+ Int(byte &- UInt8(ascii: "0"))
        }
        return value
    }

    /// Returns the position of the value of the first member with that name.
    fileprivate func value(of name: StaticString, from start: Int, to end: Int) -> Int? {
        let head = JSONReader.head(name.utf8Start, name.utf8CodeUnitCount, room: name.utf8CodeUnitCount)
        var place = start
        while place < end {
            let node = nodes[place]
            let isMeant =
                if node.name != Node.undeclared, let names {
                    names.spells(name, head: head, at: Int(node.name))
                } else {
                    node.kind == .name
                        ? name.withUTF8Buffer {
                            $0.elementsEqual(bytes[Int(node.start)..<Int(node.start + node.count)])
                        } : "\(name)" == text(node)
                }
            if isMeant { return place + 1 }
            place = Int(nodes[place + 1].next)
        }
        return nil
    }
}

extension JSONReader {
    /// Reads the next value into the table: all of it, or what `selection` keeps.
    fileprivate mutating func table(
        _ nodes: inout [JSONDocument.Node], keeping selection: JSONSelection?
    ) throws(JSONError) {
        let place = nodes.count
        switch peek() {
        case UInt8(ascii: "\""):
            let span = try scanString()
            append(span.hasEscapes ? .escaped : .string, span.start, span.count, to: &nodes)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            let span = try scanNumber()
            append(.number, span.start, span.count, to: &nodes)
        case UInt8(ascii: "{"):
            nodes.append(JSONDocument.Node(kind: .object))
            var members = try beginObject()
            if let selection {
                try selected(&members, &nodes, selection)
            } else {
                try all(&members, &nodes)
            }
            nodes[place].next = UInt32(nodes.count)
        case UInt8(ascii: "["):
            nodes.append(JSONDocument.Node(kind: .array))
            var elements = try beginArray()
            while try nextElement(&elements) { try table(&nodes, keeping: selection) }
            nodes[place].next = UInt32(nodes.count)
        case UInt8(ascii: "t"), UInt8(ascii: "f"): append(try bool() ? .yes : .no, 0, 0, to: &nodes)
        case UInt8(ascii: "n"):
            try literal("null")
            append(.null, 0, 0, to: &nodes)
        default: throw syntax()
        }
    }

    private mutating func selected(
        _ members: inout JSONMembers, _ nodes: inout [JSONDocument.Node], _ selection: JSONSelection
    ) throws(JSONError) {
        while let name = try nextMember(&members, selection.names) {
            var node = JSONDocument.Node(kind: .name, name: UInt8(truncatingIfNeeded: name))
            node.next = UInt32(nodes.count + 1)
            nodes.append(node)
            try table(&nodes, keeping: name < selection.firstWhole ? selection : nil)
        }
    }

    private mutating func all(
        _ members: inout JSONMembers, _ nodes: inout [JSONDocument.Node]
    ) throws(JSONError) {
        while try nextKey(&members) {
            let span = try scanString()
            try colon()
            append(span.hasEscapes ? .escapedName : .name, span.start, span.count, to: &nodes)
            try table(&nodes, keeping: nil)
        }
    }

    private func append(
        _ kind: JSONDocument.Node.Kind, _ start: Int, _ count: Int, to nodes: inout [JSONDocument.Node]
    ) {
        var node = JSONDocument.Node(kind: kind, start: UInt32(start), count: UInt32(count))
        node.next = UInt32(nodes.count + 1)
        nodes.append(node)
    }
}

/// Reads a foreign text: only what `selection` keeps, or all of it. If a name is duplicated, the first one counts.
/// Everything is checked, even what is not kept. `bytes` may be at most 4 GiB.
package func viewJSON(
    keeping selection: JSONSelection?, of bytes: [UInt8], limits: JSONLimits = .standard
) throws(JSONError) -> JSONView {
    precondition(bytes.count <= UInt32.max, "a text of more than 4 GiB")
    var nodes: [JSONDocument.Node] = []
    nodes.reserveCapacity(min(bytes.count / 24, 512) + 8)
    try bytes.withUnsafeBufferPointer { (buffer) throws(JSONError) in
        var reader = JSONReader(UnsafeRawBufferPointer(buffer), limits: limits, unknownMembers: .tolerate)
        try reader.table(&nodes, keeping: selection)
        try reader.finish()
    }
    return JSONView(JSONDocument(bytes, nodes, selection?.names), 0)
}
