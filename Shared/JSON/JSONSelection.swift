/// Which members of a text of others are kept, by their name at any depth; the rest is checked and dropped unread, so that
/// a long record of which little is wanted costs little.
package struct JSONSelection: Sendable {
    private let names: JSONNames
    private let texts: [String]
    /// From this name on, what lies below is kept whatever it is called.
    private let firstWhole: Int

    /// At most 64 names in all. Below those of `whole` everything is kept.
    package init(_ names: [StaticString], whole: [StaticString] = []) {
        self.names = JSONNames(names + whole)
        texts = (names + whole).map { "\($0)" }
        firstWhole = names.count
    }

    fileprivate func value(_ reader: inout JSONReader) throws(JSONError) -> JSONValue {
        switch reader.peekKind() {
        case .array:
            return .array(try reader.array { (reader: inout JSONReader) throws(JSONError) in try value(&reader) })
        case .object:
            var members = try reader.beginObject()
            var object = JSONObject()
            while let index = try reader.nextMember(&members, names) {
                let kept = index < firstWhole ? try value(&reader) : try JSONValue(from: &reader)
                object.members.append((texts[index], kept))
            }
            return .object(object)
        default: return try JSONValue(from: &reader)
        }
    }
}

/// Reads a text of others: only what `selection` keeps, or all of it; where a name comes twice, the first counts.
package func decodeJSON(
    keeping selection: JSONSelection?, from bytes: [UInt8], limits: JSONLimits = .standard
) throws(JSONError) -> JSONValue {
    try bytes.withUnsafeBufferPointer { (buffer) throws(JSONError) in
        var reader = JSONReader(UnsafeRawBufferPointer(buffer), limits: limits, unknownMembers: .tolerate)
        let value =
            if let selection { try selection.value(&reader) } else { try JSONValue(from: &reader) }
        try reader.finish()
        return value
    }
}
