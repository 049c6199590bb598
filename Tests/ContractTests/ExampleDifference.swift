import Foundation

/// The differences between an answer and the example that documents it.
///
/// Ids and times chosen by the service are compared by shape only, unless the example's own steps fixed them; a text
/// that ends in … matches any text with that prefix.
enum ExampleDifference {
    static func between(_ documented: Tree, _ answered: Tree, at path: String) -> [String] {
        switch (documented, answered) {
        case (.object(let left), .object(let right)):
            return Set(left.keys).union(right.keys).sorted().flatMap { name -> [String] in
                guard let one = left[name] else { return ["\(path).\(name): the example does not show it"] }
                guard let other = right[name] else { return ["\(path).\(name): the answer lacks it"] }
                return between(one, other, at: "\(path).\(name)")
            }
        case (.list(let left), .list(let right)):
            guard left.count == right.count else {
                return ["\(path): \(left.count) items documented, \(right.count) answered"]
            }
            return zip(left, right).enumerated().flatMap { between($1.0, $1.1, at: "\(path)[\($0)]") }
        case (.string(let left), .string(let right)) where isChosenByService(left) && isChosenByService(right):
            return []
        case (.string(let left), .string(let right)) where left.hasSuffix("…") && right.hasPrefix(left.dropLast()):
            return []
        default:
            return documented == answered ? [] : ["\(path): \(documented) documented, \(answered) answered"]
        }
    }

    private static func isChosenByService(_ text: String) -> Bool {
        text.range(of: "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$", options: .regularExpression)
            != nil
            || text.range(of: #"^(/api/v1/hooks/)?reelay_[a-z]{2}_[A-Za-z0-9_-]{43}$"#, options: .regularExpression)
                != nil
            || text.range(of: #"^\d{4}-\d{2}-\d{2}T.*Z$"#, options: .regularExpression) != nil
    }
}
