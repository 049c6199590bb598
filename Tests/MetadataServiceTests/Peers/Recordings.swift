import FoundationEssentials
import JSON
import MetadataService
import Testing

/// Recorded answers of real providers. As they are others' property, they lie outside the project, in the folder that
/// `REELAY_FIXTURES` names; without it, the suites that need them are skipped.
enum Recordings {
    static let folder = ProcessInfo.processInfo.environment["REELAY_FIXTURES"].map { $0 + "/providers" }
    static var exist: Bool { folder != nil }
    static let reason: Comment = "REELAY_FIXTURES does not name the folder with recorded answers"

    /// The bytes of a recording, such as "omdb/error_not_found.json".
    static func bytes(_ path: String) throws -> [UInt8] {
        let folder = try #require(folder)
        return Array(try Data(contentsOf: URL(filePath: "\(folder)/\(path)")))
    }

    /// The recording as a client reads it.
    static func value(_ path: String) throws -> JSONView { try viewJSON(keeping: nil, of: bytes(path)) }

    /// The recording as a modifiable tree.
    static func tree(_ path: String) throws -> JSONValue { try decodeJSON(JSONValue.self, from: bytes(path)) }

    /// The paths of a provider's recordings, sorted.
    static func all(_ provider: String) throws -> [String] {
        let folder = try #require(folder)
        return try FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(provider)").filter {
            $0.hasSuffix(".json")
        }
        .sorted().map { "\(provider)/\($0)" }
    }
}

extension ProviderFacts {
    /// The source, shown value, score and votes, one line per score.
    var scoreLines: [String] {
        scores.map { score in
            let points = score.scoreHundredths.map { NativeFigure(millionths: $0 * 10_000).description(decimals: 2) }
            return "\(score.source.rawValue) \(score.value) \(points ?? "-") \(score.votes.map { String($0) } ?? "-")"
        }
    }
}

extension JSONValue {
    /// The value as a client reads it.
    var view: JSONView { get throws { try viewJSON(keeping: nil, of: encodeJSON(self)) } }

    /// The value with at most two elements in each array: more of the same shape prove nothing.
    var shortened: JSONValue {
        switch self {
        case .object(let object):
            .object(JSONObject(object.members.map { (name: $0.name, value: $0.value.shortened) }))
        case .array(let elements): .array(elements.prefix(2).map(\.shortened))
        default: self
        }
    }

    /// The values that result from removing one member, at any depth.
    var withoutEachMember: [JSONValue] {
        switch self {
        case .object(let object):
            return object.members.indices.flatMap { index -> [JSONValue] in
                var without = object.members
                let member = without.remove(at: index)
                return [.object(JSONObject(without))]
                    + member.value.withoutEachMember.map { changed in
                        var members = object.members
                        members[index].value = changed
                        return .object(JSONObject(members))
                    }
            }
        case .array(let elements):
            return elements.indices.flatMap { index in
                elements[index].withoutEachMember.map { changed in
                    var elements = elements
                    elements[index] = changed
                    return .array(elements)
                }
            }
        default: return []
        }
    }

    /// The values that result from replacing each leaf and container in turn with something of another type.
    func withEachMember(replacedBy stranger: JSONValue) -> [JSONValue] {
        switch self {
        case .object(let object):
            return object.members.indices.flatMap { index -> [JSONValue] in
                ([stranger] + object.members[index].value.withEachMember(replacedBy: stranger)).map { changed in
                    var members = object.members
                    members[index].value = changed
                    return .object(JSONObject(members))
                }
            }
        case .array(let elements):
            return elements.indices.flatMap { index in
                ([stranger] + elements[index].withEachMember(replacedBy: stranger)).map { changed in
                    var elements = elements
                    elements[index] = changed
                    return .array(elements)
                }
            }
        default: return []
        }
    }
}
