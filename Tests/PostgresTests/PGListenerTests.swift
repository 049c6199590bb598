import Testing
import TestSupport

@testable import Postgres

@Suite struct PGListenerTests {
    static let notify = PGCommand("tests.notify", "SELECT pg_notify($1, $2)")

    /// Returns the next notification; counts the gaps before it.
    static func next(_ iterator: inout PGNotifications.Iterator, gapCount: inout Int) async -> PGNotification? {
        while let event = await iterator.next() {
            switch event {
            case .gap: gapCount += 1
            case .notification(let notification): return notification
            }
        }
        return nil
    }

    @Test func notificationsArriveInOrder() async throws {
        // Channels span the whole database, so each test uses its own.
        try await TestDatabase.withPool("listen") { pool in
            try await pool.listen(to: ["films_0", "series_0"]) { notifications throws(PGError) in
                var iterator = notifications.makeAsyncIterator()
                #expect(await iterator.next() == .gap)
                var gapCount = 0
                for number in 0..<100 {
                    let channel = number % 2 == 0 ? "films_0" : "series_0"
                    try await pool.execute(Self.notify, [.text(channel), .text("\(number)")])
                    let found = await Self.next(&iterator, gapCount: &gapCount)
                    #expect(found == PGNotification(channel: channel, payload: "\(number)"))
                }
                #expect(gapCount == 0)
            }
        }
    }

    @Test func aKilledConnectionIsReplacedAndTheGapTold() async throws {
        try await TestDatabase.withSchema("listen") { database in
            let pool = try PGPool(database.configuration())
            let killer = try PGPool(database.configuration(applicationName: "killer"))
            try await pool.listen(to: ["films_2"]) { notifications throws(PGError) in
                var iterator = notifications.makeAsyncIterator()
                #expect(await iterator.next() == .gap)
                for number in 0..<3 {
                    try await killer.execute(Statements.terminateOthers, [.text(database.schema)])
                    #expect(await iterator.next() == .gap)
                    try await killer.execute(Self.notify, [.text("films_2"), .text("\(number)")])
                    var gapCount = 0
                    let found = await Self.next(&iterator, gapCount: &gapCount)
                    #expect(found?.payload == "\(number)")
                }
            }
            await pool.shutDown()
            await killer.shutDown()
        }
    }

    @Test func aDeafConnectionIsNoticedByItsHeartbeat() async throws {
        var limits = PGLimits()
        limits.heartbeatInterval = .milliseconds(100)
        limits.heartbeatTimeout = .milliseconds(200)
        limits.cancelGrace = .milliseconds(100)
        limits.connectTimeout = .milliseconds(500)
        try await TestDatabase.withSchema("listen") { database in
            let direct = try PGPool(database.configuration())
            let relay = try TCPRelay(to: try await database.serverPort(direct))
            let pool = try PGPool(database.configuration(through: relay, limits: limits))
            try await pool.listen(to: ["films_3"]) { notifications throws(PGError) in
                var iterator = notifications.makeAsyncIterator()
                #expect(await iterator.next() == .gap)
                relay.setMode(.blackHole)
                _ = try? await eventually { relay.swallowedBytes > 0 }
                relay.setMode(.forward)
                relay.cut()
                #expect(await iterator.next() == .gap)
            }
            relay.close()
            await pool.shutDown()
            await direct.shutDown()
        }
    }

    @Test(arguments: [9, 10, 11, 50]) func aSlowReaderIsToldOfTheGap(_ count: Int) async {
        let sink = PGNotificationSink(countMax: 10)
        let all = (0..<count).map { PGNotification(channel: "films", payload: "\($0)") }
        sink.receive(all)
        var events: [PGListenEvent] = count > 10 ? [.gap] : []
        events += all.prefix(10).map { .notification($0) }
        for event in events { #expect(await sink.next() == event) }
        let late = PGNotification(channel: "films", payload: "late")
        sink.receive([late])
        #expect(await sink.next() == .notification(late))
    }

    @Test func channelNamesAreChecked() async throws {
        try await TestDatabase.withPool("listen") { pool in
            let failure = await failureOf { () throws(PGError) in
                try await pool.listen(to: ["films; DROP"]) { _ throws(PGError) in }
            }
            #expect(failure?.kind == .configuration)
        }
    }
}
