/// One statement as it is sent: for one call, or for several calls of the same text.
struct PGWireStatement {
    let sql: String
    /// Identifies the prepared statement on the server.
    let preparedKey: UInt64
    let parameters: PGParameters
    let callCount: Int

    init(_ request: PGRequest) {
        sql = request.text.sql
        preparedKey = Self.key(request.text.hash, request.parameters)
        parameters = request.parameters
        callCount = 1
    }

    private init(_ many: PGManyText, _ requests: [PGRequest]) {
        sql = many.sql
        parameters = PGParameters(over: requests.map(\.parameters))
        preparedKey = Self.key(many.hash, parameters)
        callCount = requests.count
    }

    private static func key(_ hash: UInt64, _ parameters: PGParameters) -> UInt64 {
        hash ^ (parameters.typesHash &* 0x9e37_79b9_7f4a_7c15)
    }

    /// Calls that may share a statement.
    private struct Group {
        let text: PGStatementText
        var requests: [PGRequest]
        var keys: Set<ArraySlice<UInt8>>

        func takes(_ request: PGRequest, _ key: ArraySlice<UInt8>) -> Bool {
            text === request.text && text.many != nil && request.parameters.isSpreadable
                && requests[0].parameters.typesHash == request.parameters.typesHash && !keys.contains(key)
        }
    }

    /// Groups calls of the same text if it has a form for many, and reorders `requests` accordingly.
    static func gather(_ requests: inout [PGRequest]) -> [PGWireStatement] {
        guard requests.count > 1, requests.contains(where: { $0.text.many != nil }) else {
            return requests.map(PGWireStatement.init)
        }
        var groups: [Group] = []
        for request in requests {
            let key = request.text.many.map { request.parameters.prefix(of: $0.keyCount) } ?? []
            let place = groups.firstIndex { $0.takes(request, key) }
            if let place {
                groups[place].requests.append(request)
                if !key.isEmpty { groups[place].keys.insert(key) }
            } else {
                groups.append(Group(text: request.text, requests: [request], keys: key.isEmpty ? [] : [key]))
            }
        }
        requests = groups.flatMap(\.requests)
        return groups.map { group in
            guard group.requests.count > 1, let many = group.text.many else {
                return PGWireStatement(group.requests[0])
            }
            return PGWireStatement(many, group.requests)
        }
    }
}

extension PGParameters {
    /// Whether every value can be the element of an array.
    var isSpreadable: Bool { !fields.isEmpty && fields.allSatisfy { PGTypeID.array(of: $0.typeID) != nil } }

    /// The bytes of the first `count` values; two calls with equal bytes have the same key.
    func prefix(of count: Int) -> ArraySlice<UInt8> {
        guard count > 0 else { return [] }
        return bytes[..<(count < fields.count ? fields[count].offset : bytes.count)]
    }

    /// Turns each value into the array of that value over all `calls`, which have the same types.
    init(over calls: [PGParameters]) {
        self.init()
        guard let first = calls.first else { return }
        reserve(calls.reduce(0) { $0 + $1.bytes.count + 4 * $1.fields.count } + 20 * first.fields.count)
        for index in first.fields.indices {
            let elementID = first.fields[index].typeID
            appendArray(PGTypeID.array(of: elementID) ?? 0, elementID, calls, index)
        }
    }
}

extension PGTypeID {
    static func array(of elementID: UInt32) -> UInt32? {
        switch elementID {
        case bool: boolArray
        case bytea: byteaArray
        case int2: int2Array
        case int4: int4Array
        case int8: int8Array
        case float8: float8Array
        case text: textArray
        case uuid: uuidArray
        case timestamptz: timestamptzArray
        case date: dateArray
        case numeric: numericArray
        case jsonb: jsonbArray
        default: nil
        }
    }
}
