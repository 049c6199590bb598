import Contracts
import Foundation
import RPC

/// The calls to make, the duration, and the people and titles, from the command line.
struct RatingsPlan: Sendable {
    enum Work: String {
        case lone, point, page, stats, bulk, hot, cool
        /// Serves one of the service's pages instead of measuring.
        case serve
    }

    let work: Work
    let target: RPCTarget
    let secrets: ServiceSecrets
    let measured: Duration
    /// The loopback port on which `serve` listens.
    let port: Int
    /// The people who have rated.
    let users: [UserID]
    /// The rated titles.
    let titles: [TitleID]

    private static let usage = Complaint(
        "usage: bench-ratings lone|point|page|stats|bulk|hot|cool HOST:PORT SECRET-FILE SECONDS"
            + " USER-PREFIX:FIRST:COUNT TITLE-PREFIX:FIRST:COUNT, or serve with a PORT of its own instead of SECONDS")

    init(arguments: [String]) throws {
        guard arguments.count == 6, let work = Work(rawValue: arguments[0]), let target = RPCTarget(arguments[1]),
            let number = Double(arguments[3]), number > 0, number <= 65_535
        else { throw Self.usage }
        let secret = try String(contentsOfFile: arguments[2], encoding: .utf8)
        guard let secrets = ServiceSecrets([secret.trimmingCharacters(in: .whitespacesAndNewlines)]) else {
            throw Complaint("\(arguments[2]) holds no secret")
        }
        self.work = work
        self.target = target
        self.secrets = secrets
        measured = .seconds(number)
        port = Int(number)
        users = try Self.ids(arguments[4])
        titles = try Self.ids(arguments[5])
    }

    /// The title at a place in a person's ratings; everybody's ratings begin at a different title.
    func title(_ place: Int, of user: Int) -> TitleID { titles[(user * 37 + place) % titles.count] }

    /// The ids made of a prefix and a number, counted up.
    private static func ids<ID: LosslessStringConvertible>(_ argument: String) throws -> [ID] {
        let parts = argument.split(separator: ":")
        guard parts.count == 3, let first = Int(parts[1]), let count = Int(parts[2]), count > 0 else { throw usage }
        return try (first..<first + count).map { number in
            guard let id = ID("\(parts[0])\(number)") else { throw Complaint("\(parts[0])\(number) is no id") }
            return id
        }
    }
}
