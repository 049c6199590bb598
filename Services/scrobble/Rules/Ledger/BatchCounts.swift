package import JSON

/// The number of items of each facet per outcome, such as `play` → `created` → 12.
package struct BatchCounts: Sendable, Hashable, JSONCodable {
    package private(set) var counts: [String: [String: Int]] = [:]

    package init() {}

    package mutating func count(_ facet: String, _ outcome: String, by number: Int) {
        guard number > 0 else { return }
        counts[facet, default: [:]][outcome, default: 0] += number
    }

    package init(from reader: inout JSONReader) throws(JSONError) {
        let facets = try JSONValue(from: &reader).object?.members ?? []
        for (facet, outcomes) in facets {
            for (outcome, number) in outcomes.object?.members ?? [] { count(facet, outcome, by: number.int ?? 0) }
        }
    }

    package func encode(to writer: inout JSONWriter) {
        let facets = counts.sorted { $0.key < $1.key }.map { facet, outcomes in
            let members = outcomes.sorted { $0.key < $1.key }.map { outcome, number in
                (name: outcome, value: JSONValue.number(JSONNumber(number)))
            }
            return (name: facet, value: JSONValue.object(JSONObject(members)))
        }
        JSONValue.object(JSONObject(facets)).encode(to: &writer)
    }
}
