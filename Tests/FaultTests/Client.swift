import Foundation
import Stack

/// A person with an account, at the gateway of a stack.
struct Client {
    let base: String
    let token: String

    init(base: String, token: String) {
        self.base = base
        self.token = token
    }

    /// Registers the first person.
    init(of stack: Stack) async throws {
        base = "http://127.0.0.1:\(try stack.service("gateway").port)"
        let answer = try await Wire.send(
            "POST", base + "/api/v1/auth/register", headers: ["content-type": "application/json"],
            body: #"{"username":"alice","password":"a long and odd phrase"}"#)
        let json = try JSONSerialization.jsonObject(with: answer.body) as? [String: Any]
        guard let token = json?["token"] as? String else { throw StackError("no account: \(answer.text)") }
        self.token = token
    }

    func send(_ method: String, _ path: String, _ body: String? = nil) async throws -> Wire.Answer {
        var headers = ["authorization": "Bearer \(token)"]
        if body != nil { headers["content-type"] = "application/json" }
        return try await Wire.send(method, base + "/api/v1" + path, headers: headers, body: body)
    }

    /// Rates every title once, so that reads find something.
    func rate(_ titles: [String]) async throws {
        for title in titles {
            let answer = try await send("POST", "/movies/\(title)/rate", #"{"rating":7.5}"#)
            guard answer.status == 200 else { throw StackError("not rated: \(answer.text)") }
        }
    }
}

/// The sizes of the bars: short for every test run, long if `REELAY_FAULTS` is "full".
enum Form {
    static let isFull = ProcessInfo.processInfo.environment["REELAY_FAULTS"] == "full"

    /// The fault that a test must detect, to prove that it can fail: "kill" for drains, "commit" for acknowledged
    /// writes.
    static let mutant = ProcessInfo.processInfo.environment["REELAY_FAULTS_MUTANT"]

    static func choose<Value>(_ fast: Value, full: Value) -> Value { isFull ? full : fast }
}

/// Wall-clock time in milliseconds, as in the journal.
func wallClock() -> Double { Date().timeIntervalSince1970 * 1_000 }

/// Prints the result of a bar on one line.
func report(_ bar: String, isHeld: Bool, _ figures: String) {
    print("bar \(bar): \(isHeld ? "held" : "NOT HELD") (\(figures))")
}

extension Stack {
    /// Inserts films without a provider directly into the table.
    func makeFilms(_ count: Int) async throws -> [String] {
        try await database.query(
            """
            INSERT INTO metadata.titles (id, kind, name, is_local, created_at, updated_at)
            SELECT gen_random_uuid(), 'movie', 'Film ' || number, true, now(), now()
            FROM generate_series(1, \(count)) AS number RETURNING id
            """)
    }

    /// Processes that ended although no one stopped them.
    var fallen: [String] { copies.values.joined().filter { !$0.livesOn }.map { "\($0.name) on port \($0.port)" } }
}

extension StackProcess {
    /// The number of calls of a method that this process has served, whatever their outcome.
    func served(_ method: String) async throws -> Int {
        try await Wire.send("GET", "http://127.0.0.1:\(adminPort)/metrics").text.split(separator: "\n").reduce(0) {
            sum, line in
            guard line.hasPrefix("rpc_server_duration_seconds_count{"), line.contains(#"method="\#(method)""#),
                let count = line.split(separator: " ").last.flatMap({ Double($0) })
            else { return sum }
            return sum + Int(count)
        }
    }
}

/// Waits until `condition` holds; returns false if it does not within the limit.
func holds(within limit: Duration, _ condition: () async throws -> Bool) async throws -> Bool {
    let deadline = ContinuousClock.now.advanced(by: limit)
    while ContinuousClock.now < deadline {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(50))
    }
    return false
}
