/// Follows the results of one pipeline batch and decides what becomes of each of its statements.
/// Pure: no I/O, no clock.
///
/// A batch is a list of segments; each segment ends with a Sync and is, outside an explicit transaction, one
/// implicit transaction (PostgreSQL manual, "Pipelining": all or nothing up to the Sync).
struct PGBatch {
    enum Rule: Sendable {
        /// Each result is good as soon as it is there; an error takes only the rest of its segment along.
        case reads
        /// Nothing is acknowledged before the segment's Sync; an error undoes the whole segment.
        case writes
        /// Statements inside a leased connection's own transaction: never run again from here.
        case leased
    }

    /// What libpq handed over.
    enum Reply {
        case done(PGResult)
        case failed(PGError)
        /// Skipped because of an earlier error in the segment.
        case skipped
        case synced
    }

    enum Outcome {
        case success(PGResult)
        case failure(PGError)
        /// Not applied through no fault of its own, but for this: run it again.
        case again(after: PGError)
        /// Its prepared form is of no use any more: prepare it anew and run it again.
        case prepareAgain
    }

    struct Settled {
        let member: Int
        let outcome: Outcome
    }

    private enum Step {
        case prepare(Int)
        case run(Int)
        case sync
    }

    let rule: Rule
    /// The result, kept until the segment's Sync where the rule says so.
    private var held: [PGResult?] = []
    private var steps: [Step] = []
    private var next = 0
    /// First member of the segment being read.
    private var segmentStart = 0
    private var segmentEnds: [Int] = []
    private var segment = 0
    private var error: (member: Int, error: PGError)?
    private var isSettled: [Bool] = []
    private(set) var memberCount = 0
    /// Members whose preparation succeeded since the last call of `takePrepared`.
    private(set) var prepared: [Int] = []

    init(_ rule: Rule) { self.rule = rule }

    // MARK: Building

    mutating func appendPrepare(for member: Int) { steps.append(.prepare(member)) }

    /// Members count from 0 in the order they are appended.
    mutating func appendRun() {
        steps.append(.run(memberCount))
        held.append(nil)
        isSettled.append(false)
        memberCount += 1
    }

    mutating func appendSync() {
        steps.append(.sync)
        segmentEnds.append(memberCount)
    }

    // MARK: Reading

    var isDone: Bool { next == steps.count }

    mutating func takePrepared() -> [Int] {
        defer { prepared = [] }
        return prepared
    }

    /// The next result of the batch. Throws `connectionLost` where libpq and this machine are out of step.
    mutating func receive(_ reply: Reply, into output: inout [Settled]) throws(PGError) {
        guard next < steps.count else { throw PGError(.connectionLost, "result after the end of the batch") }
        switch (steps[next], reply) {
        case (.prepare(let member), .done):
            prepared.append(member)
            next += 1
        case (.run(let member), .done(let result)):
            next += 1
            if rule == .reads { settle(member, .success(result), &output) } else { held[member] = result }
        case (.prepare(let member), .failed(let failure)), (.run(let member), .failed(let failure)):
            // Before the first error is seen nothing is skipped, so a second error cannot come from a sound server.
            guard error == nil else { throw PGError(.connectionLost, "second error in one segment") }
            error = (member, failure)
            next += 1
        case (.prepare, .skipped), (.run, .skipped):
            guard error != nil else { throw PGError(.connectionLost, "statement skipped without an error") }
            next += 1
        case (.sync, .failed(let failure)):
            // The commit itself failed: a deferred constraint, a serialization failure.
            error = error ?? (segmentEnds[segment] - 1, failure)
        case (.sync, .synced):
            next += 1
            finishSegment(&output)
        case (.prepare, .synced), (.run, .synced), (.sync, .done), (.sync, .skipped):
            throw PGError(.connectionLost, "result out of order")
        }
    }

    /// The connection broke: settles all that is left; the caller knows which writes may have been applied.
    mutating func lose(_ loss: PGError, into output: inout [Settled]) {
        // An error that Postgres sent before the end proves that the segment was undone.
        if let error, next < steps.count {
            if error.error.isShutdown, rule != .leased {
                for member in segmentStart..<segmentEnds[segment] {
                    settle(member, .again(after: error.error), &output)
                }
            } else {
                finishSegment(&output)
            }
        }
        for member in 0..<memberCount {
            settle(member, rule == .reads ? .again(after: loss) : .failure(loss), &output)
        }
        next = steps.count
    }

    private mutating func finishSegment(_ output: inout [Settled]) {
        let members = segmentStart..<segmentEnds[segment]
        segmentStart = segmentEnds[segment]
        segment += 1
        defer { error = nil }
        guard let error else {
            for member in members {
                if let result = held[member] { settle(member, .success(result), &output) }
            }
            return
        }
        for member in members {
            let isCulprit = member == error.member
            switch rule {
            case .leased:
                if let kept = held[member], member < error.member {
                    settle(member, .success(kept), &output)
                } else {
                    settle(member, .failure(error.error), &output)
                }
            case .reads: settle(member, isCulprit ? verdict(error.error) : .again(after: error.error), &output)
            case .writes where members.count == 1 || isCulprit && error.error.asksForPreparing:
                settle(member, verdict(error.error), &output)
            case .writes: settle(member, .again(after: error.error), &output)
            }
        }
    }

    private func verdict(_ error: PGError) -> Outcome {
        if error.asksForPreparing { return .prepareAgain }
        return error.isShutdown ? .again(after: error) : .failure(error)
    }

    private mutating func settle(_ member: Int, _ outcome: Outcome, _ output: inout [Settled]) {
        guard !isSettled[member] else { return }
        isSettled[member] = true
        held[member] = nil
        output.append(Settled(member: member, outcome: outcome))
    }
}
