internal import Glibc

/// A lone read whose sender polls for the answer itself.
struct PGWatch: Sendable {
    let call: Int
    let token: PGSlotToken
    let descriptor: Int32
    /// When the sender leaves the answer, or the rest of it, to the loop.
    let until: ContinuousClock.Instant
    /// The same limit for an answer whose pieces keep coming.
    let end: ContinuousClock.Instant
}

/// Decides whether polling for an answer pays off, which it does while answers come within the limit. After answers
/// that did not, more and more statements are skipped before the next attempt.
struct PGWatchRule: Sendable {
    private var skipCount = 0
    private var skipsLeft = 0
    /// The maximum number of consecutive reads that are skipped.
    private static let skipsMax = 1_024

    mutating func mayStart() -> Bool {
        if skipsLeft == 0 { return true }
        skipsLeft -= 1
        return false
    }

    mutating func note(isAnswered: Bool) {
        skipCount = isAnswered ? skipCount / 2 : min(max(1, skipCount * 2), Self.skipsMax)
        skipsLeft = isAnswered ? 0 : skipCount
    }
}

extension PGCore {
    /// Returns what to poll if exactly one read is in progress and nothing waits; the loop stops watching it meanwhile.
    mutating func startWatch(now: Instant) -> PGWatch? {
        guard let (call, slot) = loneRead, lines[slot].interest == .read, watching.mayStart() else { return nil }
        lines[slot].isWatched = true
        setInterest(slot, [])
        return PGWatch(
            call: call, token: token(of: slot), descriptor: lines[slot].descriptor, until: now + limits.answerWatch,
            end: now + limits.answerWatchMax)
    }

    /// Returns the next watch after a poll if more of the same answer is to come and nobody wants anything else;
    /// otherwise returns the line to the loop and nil.
    mutating func goOn(_ watch: PGWatch, isReadable: Bool, now: Instant) -> PGWatch? {
        let slot = watch.token.slot
        let isSame = lines[slot].generation == watch.token.generation && lines[slot].isWatched
        let isAnswered = tracked[watch.call] == nil
        let isInTime = isReadable && now < watch.end
        if isInTime, isSame, !isAnswered, let lone = loneRead, lone.call == watch.call, lone.slot == slot,
            lines[slot].interest == []
        {
            return PGWatch(
                call: watch.call, token: watch.token, descriptor: watch.descriptor,
                until: min(now + limits.answerWatch, watch.end), end: watch.end)
        }
        // If other work came in between, polling paid off all the same.
        watching.note(isAnswered: isAnswered || isInTime)
        guard isSame else { return nil }
        lines[slot].isWatched = false
        if lines[slot].interest == [] { setInterest(slot, .read) }
        return nil
    }

    /// The call in progress and its slot, if it is a read, the only call, and nothing waits.
    private var loneRead: (call: Int, slot: Int)? {
        guard tracked.count == 1, machine.waitingCount == 0, let call = tracked.first?.value, call.text.kind == .read,
            let slot = call.course.slot, slot < machine.slots.count, !lines[slot].isLeased,
            lines[slot].cancels.cancelAt == nil
        else { return nil }
        return (call.id, slot)
    }
}

/// A number of which each thread has its own, initially 0.
final class PGThreadCounter: Sendable {
    private let key: pthread_key_t

    /// Throws `configuration` if the process has no key left.
    init() throws(PGError) {
        var key = pthread_key_t()
        guard unsafe pthread_key_create(&key, nil) == 0 else { throw PGError(.configuration, "no thread key left") }
        self.key = key
    }

    deinit { pthread_key_delete(key) }

    var value: Int {
        get { unsafe Int(bitPattern: pthread_getspecific(key)) }
        set { _ = unsafe pthread_setspecific(key, UnsafeRawPointer(bitPattern: newValue)) }
    }
}
