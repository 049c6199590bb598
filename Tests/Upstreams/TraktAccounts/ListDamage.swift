import JSON

/// The ways in which a list may arrive damaged, by the original, a proxy or the network.
package enum ListDamage: Sendable, CaseIterable {
    case empty
    case serverError
    case pageOfProxy
    case firstRowsOnly
    case unauthorizedAsEmpty
    case halfMissing
    case nullBody
    case rowsWithoutTitles

    /// Applies the damage to an answer.
    func done(to answer: UpstreamResponse) -> UpstreamResponse {
        var answer = answer
        let rows = (try? decodeJSON(JSONValue.self, from: answer.body))?.array ?? []
        func shown(_ rows: [JSONValue]) -> UpstreamResponse {
            answer.body = encodeJSON(JSONValue.array(rows))
            return answer
        }
        switch self {
        // The headers still give the true count.
        case .empty: return shown([])
        case .serverError: return .html("500 Internal Server Error", status: 500)
        case .pageOfProxy: return .html("Please wait", status: 200)
        case .firstRowsOnly: return shown(Array(rows.prefix(3)))
        // The headers match the empty list.
        case .unauthorizedAsEmpty: return .json(.array([]), headers: [WireField("x-private-user", "true")])
        case .halfMissing: return shown(rows.enumerated().filter { $0.offset % 2 == 0 }.map(\.element))
        case .nullBody:
            answer.body = Array("null".utf8)
            return answer
        case .rowsWithoutTitles: return shown(rows.map { _ in .members(["type": "movie"]) })
        }
    }
}
