import Foundation
import HTTP2

/// The calls to make, their concurrency and the duration, from the command line.
struct LoadPlan {
    enum Work: String {
        case read, write
    }

    /// The largest number of connections; fewer if fewer calls are in flight.
    static let connectionsMax = 4
    /// The time before the measurement, whose calls do not count.
    static let warmUp: Duration = .milliseconds(500)
    /// The deadline of a call, in milliseconds.
    static let callTimeout = 5_000

    let work: Work
    let host: String
    let port: UInt16
    /// The number of concurrent calls, 1 to 400.
    let inFlight: Int
    let measured: Duration
    let headers: [H2Header]
    private let users: [[UInt8]]
    private let titles: [[UInt8]]

    private static let usage = LoadError(
        "usage: bench-load read|write ADDRESS:PORT SECRET-FILE IN-FLIGHT SECONDS USER-PREFIX:COUNT TITLE-PREFIX:COUNT FIRST"
    )

    /// Parses the arguments. Each id is a prefix and a number counted up from FIRST.
    init(arguments: [String]) throws {
        guard arguments.count == 8, let work = Work(rawValue: arguments[0]), let inFlight = Int(arguments[3]),
            (1...400).contains(inFlight), let seconds = Double(arguments[4]), seconds > 0, let first = Int(arguments[7])
        else { throw Self.usage }
        let target = arguments[1].split(separator: ":")
        guard target.count == 2, let port = UInt16(target[1]) else { throw Self.usage }
        let secret = try String(contentsOfFile: arguments[2], encoding: .utf8)
        self.work = work
        host = String(target[0])
        self.port = port
        self.inFlight = inFlight
        measured = .seconds(seconds)
        headers = [
            H2Header("content-type", "application/json"),
            H2Header("authorization", "Bearer \(secret.trimmingCharacters(in: .whitespacesAndNewlines))"),
            H2Header("rpc-timeout-ms", "\(Self.callTimeout)"),
            H2Header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ]
        users = try Self.ids(arguments[5], from: first)
        titles = try Self.ids(arguments[6], from: first)
    }

    private static func ids(_ argument: String, from first: Int) throws -> [[UInt8]] {
        let parts = argument.split(separator: ":")
        guard parts.count == 2, let count = Int(parts[1]), count > 0 else { throw usage }
        return (first..<first + count).map { Array("\(parts[0])\($0)".utf8) }
    }
}

/// The request bodies of the plan, in an order that visits each rating once before any is repeated.
struct LoadScript {
    private let plan: LoadPlan
    private var place = 0
    private let opening: [UInt8]
    private static let titleName = Array("\",\"title\":\"".utf8)
    private static let ratingName = Array("\",\"kind\":\"movie\",\"review\":\"Holds up.\",\"rating\":".utf8)
    /// Coprime to the number of ratings, so that every one is visited.
    private static let stride = 7_919

    init(_ plan: LoadPlan) {
        self.plan = plan
        let method = plan.work == .read ? "ratings.getRating" : "ratings.rateTitle"
        opening = Array(#"{"jsonrpc":"2.0","id":1,"method":"\#(method)","params":{"user":""#.utf8)
    }

    /// The next request's body, and the title that its correct answer begins with.
    mutating func next() -> (request: [UInt8], answer: [UInt8]) {
        place += Self.stride
        let user = plan.user(place)
        let title = plan.title(place)
        var body: [UInt8] = []
        body.reserveCapacity(256)
        body += opening
        body += user
        body += Self.titleName
        body += title
        switch plan.work {
        case .read:
            body += Array("\"}}".utf8)
        case .write:
            let tenths = 1 + place % 100
            body += Self.ratingName
            body += Array("\(tenths / 10).\(tenths % 10)}}".utf8)
        }
        return (body, title)
    }
}

extension LoadPlan {
    fileprivate func user(_ place: Int) -> [UInt8] { users[place / titles.count % users.count] }
    fileprivate func title(_ place: Int) -> [UInt8] { titles[place % titles.count] }
}
