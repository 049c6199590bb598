import Foundation
import Stack
import Testing

extension FaultTests {
    /// A copy that is unreachable without any error being reported.
    struct PartitionTests {
        @Test(
            "R4: packets to one of two copies are dropped",
            .enabled("nft is missing, or the right to use it") { await PacketWall.isPossible })
        func blackhole() async throws {
            var plan = StackPlan()
            plan.copies["ratings"] = 2
            let wall = try #require(await PacketWall.raise())
            do {
                try await Stack.running(plan) { try await Self.partition($0, wall) }
            } catch {
                await wall.remove()
                throw error
            }
            await wall.remove()
        }

        /// The longest time that the gateway gives an operation, in milliseconds.
        private static let deadline = 30_000.0

        private static func partition(_ stack: Stack, _ wall: PacketWall) async throws {
            let client = try await Client(of: stack)
            let titles = try await stack.makeFilms(16)
            try await client.rate(titles)
            let lost = try #require(stack.copies["ratings"]?.last)
            let load = try Load(on: client, titles: titles, threads: 16, callsPerSecond: 200)
            try await Task.sleep(for: .seconds(1))
            let retried = try await FaultMetric("rpc_client_retries_total", of: try stack.service("gateway"))
            try await wall.drop(port: lost.port)
            let cutAt = wallClock()
            try await Task.sleep(for: Form.choose(.seconds(18), full: .seconds(75)))
            try await retried.rises()
            let before = try await lost.served("ratings.getRating")
            try await wall.heal()
            let healed = ContinuousClock.now
            let returns = try await holds(within: .seconds(30)) {
                try await lost.served("ratings.getRating") > before + 20
            }
            let back = healed.duration(to: .now)
            let calls = try await load.stop()
            let failedShare = Double(calls.failed.count) / Double(max(1, calls.count))
            let isHeld = failedShare <= 0.01 && calls.longest <= deadline + 500 && returns && back <= .seconds(15)
            let stuck = calls.begun(in: cutAt...(.infinity)).filter { $0.duration > 1_000 }.count
            report(
                "R4", isHeld: isHeld,
                "\(calls.failed.count) of \(calls.count) calls failed, \(stuck) waited for the dead connection, longest "
                    + "\(Int(calls.longest)) ms; traffic back \(Int(back / .milliseconds(1))) ms after healing")
            #expect(isHeld, "\(calls.outcomes)")
        }
    }
}

/// Rules of the machine's packet filter, in a table of their own.
struct PacketWall {
    private let table: String

    static var isPossible: Bool {
        get async {
            guard let wall = await raise() else { return false }
            await wall.remove()
            return true
        }
    }

    /// Creates the table, or returns nil if that is not permitted here.
    static func raise() async -> PacketWall? {
        let wall = PacketWall(table: "reelay_fault_\(ProcessInfo.processInfo.processIdentifier)")
        do {
            try await Command.run("nft", ["add", "table", "inet", wall.table])
            try await Command.run(
                "nft", ["add chain inet \(wall.table) arriving { type filter hook input priority 0; policy accept; }"])
            return wall
        } catch {
            await wall.remove()
            return nil
        }
    }

    /// Drops packets to and from the port.
    func drop(port: Int) async throws {
        try await Command.run("nft", ["add rule inet \(table) arriving tcp dport \(port) drop"])
        try await Command.run("nft", ["add rule inet \(table) arriving tcp sport \(port) drop"])
    }

    func heal() async throws { try await Command.run("nft", ["flush", "chain", "inet", table, "arriving"]) }

    func remove() async { _ = try? await Command.run("nft", ["delete", "table", "inet", table]) }
}
