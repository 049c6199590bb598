import Testing

@testable import Postgres

/// A cancel request hits whatever runs when it arrives; in a batch with a Sync each, it once hit a stopped call's
/// neighbours, one every 100 ms, until they were given up.
@Suite struct PGCancelPlanTests {
    private static let start = ContinuousClock.now
    private static func at(_ milliseconds: Int) -> ContinuousClock.Instant { start + .milliseconds(milliseconds) }

    /// Plays inputs such as "stop 2 @5", "end 0 @7", "split @9" and "sent @12", and returns the plan after them.
    private static func plan(
        isStepwise: Bool, hasSyncEach: Bool, _ inputs: [String]
    ) throws -> PGCancelPlan {
        var plan = PGCancelPlan(isStepwise: isStepwise, hasSyncEach: hasSyncEach)
        for input in inputs {
            let words = input.split(separator: " ")
            let now = at(try #require(words.last.flatMap { Int($0.dropFirst()) }))
            let part = Int(words[1]) ?? 0
            switch words[0] {
            case "stop": plan.stop(part, delay: .milliseconds(10), grace: .seconds(1), now: now)
            case "end": plan.settled(part, delay: .milliseconds(10), grace: .seconds(1), now: now)
            case "split": plan.split(now: now)
            case "sent": plan.delivered(retry: .milliseconds(100), now: now)
            default:
                let isDue = plan.takeCancel(now: now)
                #expect(isDue, "\(input)")
            }
        }
        return plan
    }

    /// A batch with a Sync each.
    @Test(
        arguments: [
            // Only the running statement is cancelled, repeatedly for as long as it runs.
            (["stop 0 @0"], 10), (["stop 1 @0"], nil), (["stop 0 @0", "stop 1 @0"], 10),
            (["stop 0 @0", "take @10", "sent @12"], 112), (["stop 0 @0", "take @10", "end 0 @11", "sent @12"], nil),
            // A statement that waits its turn is cancelled once that has come.
            (["stop 2 @0", "end 0 @50"], nil), (["stop 2 @0", "end 0 @50", "end 1 @90"], 100),
            (["stop 2 @0", "end 0 @50", "end 1 @90", "end 2 @95"], nil),
            (["stop 0 @0", "stop 1 @0", "end 0 @5"], 15), (["stop 0 @0", "stop 2 @0", "end 0 @5"], nil),
            // A split hits the running statement and leaves those behind it alone.
            (["split @250"], 250), (["split @250", "take @250", "sent @251"], 351),
            (["split @250", "take @250", "sent @251", "end 0 @252"], nil),
            (["split @250", "take @250", "end 0 @252", "sent @253"], nil),
        ] as [([String], Int?)])
    func withASyncEachOnlyTheStoppedIsCancelled(_ inputs: [String], _ cancelAt: Int?) throws {
        let plan = try Self.plan(isStepwise: true, hasSyncEach: true, inputs)
        #expect(plan.cancelAt == cancelAt.map(Self.at))
    }

    /// Reads with one Sync: they are answered one by one, but a split is over only with the batch.
    @Test(
        arguments: [
            (["stop 1 @0"], nil), (["stop 1 @0", "end 0 @5"], 15),
            (["split @250", "take @250", "end 0 @252", "sent @253"], 353),
        ] as [([String], Int?)])
    func readsWithOneSync(_ inputs: [String], _ cancelAt: Int?) throws {
        let plan = try Self.plan(isStepwise: true, hasSyncEach: false, inputs)
        #expect(plan.cancelAt == cancelAt.map(Self.at))
    }

    /// Writes with one Sync, which succeed or fail together.
    @Test(
        arguments: [
            (["stop 3 @0"], 10), (["stop 3 @0", "stop 1 @5"], 10), (["stop 3 @0", "take @10", "sent @12"], 112),
        ] as [([String], Int?)])
    func writesWithOneSync(_ inputs: [String], _ cancelAt: Int?) throws {
        let plan = try Self.plan(isStepwise: false, hasSyncEach: false, inputs)
        #expect(plan.cancelAt == cancelAt.map(Self.at))
    }

    @Test func callersOfTheStoppedWaitTheGraceAndNoLonger() throws {
        // The running statement: Postgres does not answer.
        var plan = try Self.plan(isStepwise: true, hasSyncEach: true, ["stop 0 @0"])
        var overdue = plan.takeOverdue(now: Self.at(999))
        #expect(overdue == .nothing)
        overdue = plan.takeOverdue(now: Self.at(1_000))
        #expect(overdue == .connection)
        // Those behind others: told once, and the connection is kept.
        plan = try Self.plan(isStepwise: true, hasSyncEach: true, ["stop 1 @0", "stop 2 @5"])
        #expect(plan.wakesAt == Self.at(1_000))
        overdue = plan.takeOverdue(now: Self.at(1_000))
        #expect(overdue == .parts([1]))
        #expect(plan.wakesAt == Self.at(1_005))
        overdue = plan.takeOverdue(now: Self.at(1_005))
        #expect(overdue == .parts([2]))
        overdue = plan.takeOverdue(now: Self.at(9_000))
        #expect(overdue == .nothing)
        #expect(plan.wakesAt == nil)
        // Its turn comes later: then it is cancelled, with a grace period of its own.
        plan.settled(0, delay: .milliseconds(10), grace: .seconds(1), now: Self.at(9_000))
        #expect(plan.cancelAt == Self.at(9_010))
        overdue = plan.takeOverdue(now: Self.at(9_999))
        #expect(overdue == .nothing)
        overdue = plan.takeOverdue(now: Self.at(10_000))
        #expect(overdue == .connection)
        // A request that is never delivered does not hold up the connection.
        plan = PGCancelPlan()
        plan.awaitDelivery(grace: .seconds(1), now: Self.start)
        overdue = plan.takeOverdue(now: Self.at(1_000))
        #expect(overdue == .connection)
    }
}
