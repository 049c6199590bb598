import Contracts
import Foundation
import RPC

/// What to call, how often at once and for how long, as the command line says.
struct LoadPlan: Sendable {
    enum Work: String, Sendable {
        case read, write
    }

    /// Connections, unless fewer calls are in flight.
    static let connectionsMax = 4
    /// Calls before the measured time do not count.
    static let warmUp: Duration = .milliseconds(500)
    /// How long one call may take.
    static let callTimeout: Duration = .seconds(5)

    let work: Work
    let target: RPCTarget
    let secrets: ServiceSecrets
    /// Calls at the same moment, 1 to 400.
    let inFlight: Int
    let measured: Duration
    let users: [UserID]
    let titles: [TitleID]

    private static let usage = LoadError(
        "usage: bench-load read|write HOST:PORT SECRET-FILE IN-FLIGHT SECONDS USER-PREFIX:COUNT TITLE-PREFIX:COUNT FIRST"
    )

    /// The ids are a prefix and twelve decimal digits, counted up from FIRST.
    init(arguments: [String]) throws {
        guard arguments.count == 8, let work = Work(rawValue: arguments[0]), let target = RPCTarget(arguments[1]),
            let inFlight = Int(arguments[3]), (1...400).contains(inFlight), let seconds = Double(arguments[4]),
            seconds > 0, let first = Int(arguments[7])
        else { throw Self.usage }
        let secret = try String(contentsOfFile: arguments[2], encoding: .utf8)
        guard let secrets = ServiceSecrets([secret.trimmingCharacters(in: .whitespacesAndNewlines)]) else {
            throw LoadError("\(arguments[2]) holds no secret")
        }
        self.work = work
        self.target = target
        self.secrets = secrets
        self.inFlight = inFlight
        measured = .seconds(seconds)
        users = try Self.ids(arguments[5], from: first)
        titles = try Self.ids(arguments[6], from: first)
    }

    private static func ids<ID: LosslessStringConvertible>(_ argument: String, from first: Int) throws -> [ID] {
        let parts = argument.split(separator: ":")
        guard parts.count == 2, let count = Int(parts[1]), count > 0 else { throw usage }
        return try (first..<first + count).map { number in
            guard let id = ID("\(parts[0])\(number)") else { throw LoadError("\(parts[0])\(number) is no id") }
            return id
        }
    }
}
