/// Follows the results of one pipeline batch and decides the outcome of each of its statements. Pure: no I/O, no clock.
///
/// A batch is a list of segments. Each segment ends with a Sync and, outside an explicit transaction, is one implicit
/// transaction (PostgreSQL manual, "Pipelining": all or nothing up to the Sync).
struct PGBatch {
    enum Rule: Sendable {
        /// Each result is valid as soon as it arrives; an error fails only the rest of its segment.
        case reads
        /// Nothing is acknowledged before the segment's Sync; an error undoes the whole segment.
        case writes
        /// Statements inside a leased connection's own transaction: never rerun from here.
        case leased
    }

    /// What libpq returned.
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
        /// Not applied, because of another statement or of the connection: run it again.
        case again(after: PGError)
        /// Its prepared statement is no longer usable: prepare it again and rerun it.
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
    /// Results that `rule` holds back until the segment's Sync.
    private var held: [PGResult?] = []
    private var steps: [Step] = []
    private var next = 0
    /// The first member of the segment being read.
    private var segmentStart = 0
    private var segmentEnds: [Int] = []
    private var segment = 0
    private var error: (member: Int, error: PGError)?
    private var isSettled: [Bool] = []
    private(set) var memberCount = 0
    /// Members prepared successfully since the last call of `takePrepared`.
    private(set) var prepared: [Int] = []

    init(_ rule: Rule) { self.rule = rule }

    // MARK: Building

    mutating func appendPrepare(for member: Int) { steps.append(.prepare(member)) }

    /// Appends the next member; members are numbered from 0 in the order of these calls.
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

    /// Processes the next result of the batch. Throws `connectionLost` if libpq and this state machine are out of step.
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
            // Nothing is skipped before the first error is seen, so a well-behaved server never sends a second one.
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

    /// Settles all remaining statements after the connection broke; the caller knows which writes may have been
    /// applied.
    mutating func lose(_ loss: PGError, into output: inout [Settled]) {
        // An error that Postgres sent before the connection ended proves that the segment was undone.
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
