import Glibc

/// Loads the ratings service and prints the results as a JSON object.
@main
struct Main {
    static func main() throws {
        // A connection closed by the service is an error to report, and must not end this program.
        signal(SIGPIPE, SIG_IGN)
        let plan = try LoadPlan(arguments: Array(CommandLine.arguments.dropFirst()))
        print(try Load(plan).run().json(seconds: plan.measured))
    }
}

/// Keeps the requested number of calls in flight until the time is over, and waits for the last of them.
private struct Load {
    private let connections: [LoadConnection]
    private let plan: LoadPlan
    private var script: LoadScript
    private var tally = LoadTally()

    init(_ plan: LoadPlan) throws {
        self.plan = plan
        script = LoadScript(plan)
        connections = try (0..<min(LoadPlan.connectionsMax, plan.inFlight)).map { _ in try LoadConnection(plan) }
    }

    consuming func run() throws -> LoadTally {
        let start = ContinuousClock.now.advanced(by: LoadPlan.warmUp)
        let end = start.advanced(by: plan.measured)
        for number in 0..<plan.inFlight { try connections[number % connections.count].start(&script, now: .now) }
        for connection in connections { try connection.flush(now: .now) }
        var ready = connections.map { pollfd(fd: $0.descriptor, events: 0, revents: 0) }
        while connections.contains(where: { $0.inFlight > 0 }) {
            for (index, connection) in connections.enumerated() {
                ready[index].events = Int16(connection.isBlocked ? POLLIN | POLLOUT : POLLIN)
            }
            guard poll(&ready, nfds_t(ready.count), Int32(LoadPlan.callTimeout)) > 0 else {
                throw LoadError("no answer within \(LoadPlan.callTimeout) ms")
            }
            for (index, connection) in connections.enumerated() where ready[index].revents != 0 {
                try serve(connection, start, end)
            }
        }
        return tally
    }

    /// Starts a call for each answer while there is time; the new requests leave in one write.
    private mutating func serve(
        _ connection: LoadConnection, _ start: ContinuousClock.Instant, _ end: ContinuousClock.Instant
    ) throws {
        let moment = try connection.receive { now, took, fault in
            tally.answeredCount += 1
            if now - took >= start, now <= end || fault != nil { tally.add(took, fault) }
            if now < end { try connection.start(&script, now: now) }
        }
        try connection.flush(now: moment)
    }
}

struct LoadError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
