import Contracts
import TestSupport
import Testing

@testable import ScrobbleService

@Suite struct JobMachineTests {
    private static let limits = QueueLimits()
    private static let machine = JobMachine(limits: limits)

    private static func job(
        _ action: JobAction = .addPlay, _ status: JobStatus = .pending, retries: Int = 1, sends: Int = 1,
        looks: Int = 0,
        unsettled: Int = 1, age: Duration = .seconds(1), sinceSent: Duration = .zero
    ) -> JobState {
        JobState(
            action: action, status: status, retryCount: retries, sends: sends, looks: looks, unsettled: unsettled,
            age: age, sinceSent: sinceSent)
    }

    @Test("What adds a play is never sent again before it was looked for", arguments: [JobAction.stop, .addPlay])
    func unrepeatable(action: JobAction) {
        #expect(Self.machine.step(Self.job(action)) == .send)
        #expect(Self.machine.step(Self.job(action, .verify)) == .look)
        #expect(
            Self.machine.step(Self.job(action, .sending, sinceSent: .seconds(45)))
                == .settle(.verify(after: .seconds(15), looks: 0, reason: "worker died")))
        for reply in [JobReply.ambiguous("reset"), .broken("500")] {
            let (fate, lane) = Self.machine.settle(Self.job(action, retries: 9), reply, jitter: 0)
            guard case .verify(.seconds(60), 0, _) = fate else {
                Issue.record("\(fate)")
                continue
            }
            #expect(lane != .goOn, "what stands behind it must not overtake it")
        }
    }

    @Test("What may be done twice is sent again after any doubt", arguments: JobAction.allCases.filter(\.isRepeatable))
    func repeatable(action: JobAction) {
        for status in JobStatus.allCases { #expect(Self.machine.step(Self.job(action, status)) == .send) }
        guard case .again(_, _, true, true) = Self.machine.settle(Self.job(action), .ambiguous("reset"), jitter: 0).fate
        else {
            Issue.record("an ambiguous reply to \(action)")
            return
        }
    }

    @Test("Twice absent, a minute and two after it was sent: then it is sent again; found: it is done")
    func looks() {
        let first = Self.job(.addPlay, .verify, sinceSent: .seconds(61))
        #expect(Self.machine.settle(first, .found, jitter: 0).fate == .done(reason: "found there"))
        #expect(
            Self.machine.settle(first, .absent, jitter: 0).fate
                == .verify(after: .seconds(59), looks: 1, reason: "not found yet"))
        let second = Self.job(.addPlay, .verify, looks: 1, sinceSent: .seconds(121))
        #expect(
            Self.machine.settle(second, .absent, jitter: 0).fate
                == .again(after: .zero, reason: "not found", isCounted: true))
    }

    @Test("A look that fails says nothing about the job, whatever its history")
    func failedLooks() {
        var random = SeededRandom(seed: UInt64.random(in: 0 ... .max))
        for _ in 0..<2_000 {
            let job = Self.job(
                .addPlay, .verify, retries: Int(random.next() % 50), sends: 1 + Int(random.next() % 9),
                looks: Int(random.next() % 2), age: .seconds(Int(random.next() % 2_500_000)))
            let replies: [JobReply] = [
                .ambiguous("reset"), .broken("500"), .notTaken("refused"), .wait(.seconds(7), "429"), .untried,
                .askUser(.needsReauth), .barred(.accountLimit),
            ]
            let reply = replies[Int(random.next() % UInt64(replies.count))]
            let fate = Self.machine.settle(job, .failed(reply), jitter: 0.5).fate
            guard case .verify(_, job.looks, _) = fate else {
                Issue.record("seed \(random.seed): \(reply) to \(job) became \(fate)")
                return
            }
        }
    }

    @Test("Only time, the other side's word and dead workers kill a job")
    func deaths() {
        #expect(Self.machine.step(Self.job(unsettled: 5)) == .send)
        #expect(Self.machine.step(Self.job(unsettled: 6)) == .settle(.dead(reason: "it crashes workers")))
        #expect(Self.machine.step(Self.job(age: .seconds(30 * 86_400))) == .send)
        #expect(
            Self.machine.step(Self.job(age: .seconds(30 * 86_400 + 1)))
                == .settle(.dead(reason: "undelivered for too long")))
        #expect(Self.machine.settle(Self.job(), .refused("404"), jitter: 0).fate == .dead(reason: "404"))
        let broken = Self.job(.rate, retries: 40, sends: 4, age: .seconds(3_601))
        #expect(Self.machine.settle(broken, .broken("500"), jitter: 0).fate == .dead(reason: "500"))
        let absent = Self.job(.addPlay, .verify, retries: 40, sends: 4, looks: 1, age: .seconds(3_601))
        #expect(Self.machine.settle(absent, .absent, jitter: 0).fate.leaves)
        // Refused connections do not count as sends: a job that the remote never saw cannot have broken it.
        for reply in [JobReply.notTaken("refused"), .wait(.seconds(5), "503"), .untried] {
            #expect(!Self.machine.settle(Self.job(), reply, jitter: 0).fate.mayHaveArrived)
        }
        for action in [JobAction.rate, .addPlay] {
            #expect(Self.machine.settle(Self.job(action), .ambiguous("reset"), jitter: 0).fate.mayHaveArrived)
        }
        let early = Self.job(.rate, retries: 40, sends: 4, age: .seconds(3_600))
        #expect(!Self.machine.settle(early, .broken("500"), jitter: 0).fate.leaves)
    }

    /// Previously, a full watchlist stopped the whole connection, scrobbles included, and again as soon as the person
    /// resumed it.
    @Test("What a facet has no room for stops that facet and no lane", arguments: StopCause.allCases)
    func barred(cause: StopCause) {
        let facets: [(JobAction, SyncFacet)] = [
            (.addToWatchlist, .watchlist), (.addToCollection, .collection), (.rate, .ratings), (.addPlay, .history),
            (.stop, .history),
        ]
        for (action, facet) in facets {
            let settled = Self.machine.settle(Self.job(action), .barred(cause), jitter: 0)
            #expect(settled.fate == .barred(cause) && settled.fate.leaves && settled.lane == .bar(facet, cause))
        }
        // However full a history is, what is being watched is still sent.
        #expect(!SyncFacet.allCases.flatMap { JobAction.filling($0) }.contains(.stop))
    }

    @Test("That a check-in was taken back is told for as long as it may last")
    func checkOut() {
        #expect(Self.machine.step(Self.job(.checkOut, age: .seconds(12 * 3_600))) == .send)
        #expect(
            Self.machine.step(Self.job(.checkOut, age: .seconds(12 * 3_600 + 1))) == .settle(.done(reason: "over")))
    }

    @Test("What happens now is not told when it is over", arguments: [JobAction.start, .pause, .checkIn])
    func over(action: JobAction) {
        #expect(Self.machine.step(Self.job(action, age: .seconds(300))) == .send)
        #expect(Self.machine.step(Self.job(action, age: .seconds(301))) == .settle(.done(reason: "over")))
    }

    @Test("Waits double from 5 s to 6 h, and jitter takes at most half")
    func backoff() {
        #expect(Self.machine.backoff(tries: 1, jitter: 0) == .seconds(5))
        #expect(Self.machine.backoff(tries: 4, jitter: 0) == .seconds(40))
        #expect(Self.machine.backoff(tries: 4, jitter: 1) == .seconds(20))
        for tries in [-1, 0, 14, 31, 1_000_000] {
            let wait = Self.machine.backoff(tries: tries, jitter: 0)
            #expect(wait >= .seconds(5) && wait <= .seconds(6 * 3_600))
        }
        #expect(Self.machine.backoff(tries: 99, jitter: 0) == .seconds(6 * 3_600))
    }

    @Test("A wait that the other side imposes moves no backoff on and holds the whole connection")
    func imposed() {
        let (fate, lane) = Self.machine.settle(Self.job(), .wait(.seconds(17), "429"), jitter: 0)
        #expect(fate == .again(after: .zero, reason: "429", isCounted: false))
        #expect(lane == .hold(.seconds(17)))
        let (_, long) = Self.machine.settle(Self.job(), .wait(.seconds(1_000_000_000), "429"), jitter: 0)
        #expect(long == .hold(.seconds(6 * 3_600)), "nobody can stop a connection for years")
    }
}

/// A connection's jobs against a remote that fails for two weeks of simulated time.
@Suite struct LongOutageTests {
    private struct Sim {
        var now = Duration.zero
        var calls = 0
        var there: [Int] = []
        var dead = 0
        var random: SeededRandom
        let machine = JobMachine(limits: QueueLimits())
        let outage: Range<Duration>
        /// Whether writes during the outage arrive although they are answered with an error.
        let commits: Bool

        /// Works one job until it leaves the queue, as the store would.
        mutating func work(_ number: Int, queuedAt: Duration, lostReply: Bool) {
            var status = JobStatus.pending
            var (retries, sends, looks) = (0, 0, 0)
            var sentAt = now
            while true {
                retries += 1
                if status == .pending {
                    sends += 1
                    sentAt = now
                }
                let job = JobState(
                    action: .addPlay, status: status, retryCount: retries, sends: sends, looks: looks, unsettled: 1,
                    age: now - queuedAt, sinceSent: now - sentAt)
                let jitter = Double(random.next() % 1_000) / 1_000
                var result: (fate: JobFate, lane: LaneEffect)
                switch machine.step(job) {
                case .settle(let fate): result = (fate, .goOn)
                case .look:
                    calls += 1
                    let look: LookReply =
                        outage.contains(now) ? .failed(.ambiguous("503")) : there.contains(number) ? .found : .absent
                    result = machine.settle(job, look, jitter: jitter)
                case .send:
                    calls += 1
                    let isDown = outage.contains(now)
                    if !isDown || commits { there.append(number) }
                    let isAnswered = !isDown && !(lostReply && sends == 1)
                    result = machine.settle(job, isAnswered ? .delivered : .ambiguous("503"), jitter: jitter)
                }
                var wait = Duration.milliseconds(1_100)
                if case .hold(let held) = result.lane { wait = max(wait, held) }
                switch result.fate {
                case .done:
                    now += wait
                    return
                case .dead, .barred:
                    dead += 1
                    return
                case .again(let after, _, let isCounted, let mayHaveArrived):
                    if status == .pending, !mayHaveArrived { sends -= 1 }
                    status = .pending
                    if !isCounted { retries -= 1 }
                    now += max(wait, after)
                case .verify(let after, let seen, _):
                    status = .verify
                    looks = seen
                    now += max(wait, after)
                }
            }
        }
    }

    @Test(
        "Two weeks without the other side lose nothing, double nothing, keep the order and cost few calls",
        arguments: [false, true])
    func outage(commits: Bool) {
        let seed = UInt64.random(in: 0 ... .max)
        let end = Duration.seconds(14 * 86_400)
        var sim = Sim(random: SeededRandom(seed: seed), outage: .zero..<end, commits: commits)
        for number in 0..<1_000 {
            // Sixty plays a day, until shortly after the outage.
            let queuedAt = Duration.seconds(number * 1_440)
            if sim.now < queuedAt { sim.now = queuedAt }
            sim.work(number, queuedAt: queuedAt, lostReply: number % 50 == 7)
            if sim.now >= end, number < 900 {
                #expect(sim.calls < 120 + 4 * (number + 1), "seed \(seed): \(sim.calls) calls at job \(number)")
            }
        }
        #expect(sim.dead == 0, "seed \(seed)")
        #expect(sim.there == Array(0..<1_000), "seed \(seed)")
        // Drained within the longest wait, an hour of jobs and the looks for the lost replies.
        let last = Duration.seconds(999 * 1_440)
        #expect(sim.now - max(last, end) < .seconds(6 * 3_600 + 3_600), "seed \(seed): \(sim.now)")
    }
}
