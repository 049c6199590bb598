internal import Glibc

/// A lone read whose sender looks for the answer itself.
struct PGWatch: Sendable {
    let call: Int
    let token: PGSlotToken
    let descriptor: Int32
    /// When it leaves the answer, or the rest of it, to the loop.
    let until: ContinuousClock.Instant
    /// The same for an answer whose pieces keep coming.
    let end: ContinuousClock.Instant
}

/// When looking for an answer is worth it: as long as answers come within the limit. After answers that did not, more
/// and more statements are left alone before it is tried again.
struct PGWatchRule: Sendable {
    private var skipCount = 0
    private var skipsLeft = 0
    /// Reads in a row that are not watched for.
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
    /// Where exactly one read is under way and nothing waits: what to look at. The loop does not look there meanwhile.
    mutating func startWatch(now: Instant) -> PGWatch? {
        guard let (call, slot) = loneRead, lines[slot].interest == .read, watching.mayStart() else { return nil }
        lines[slot].isWatched = true
        setInterest(slot, [])
        return PGWatch(
            call: call, token: token(of: slot), descriptor: lines[slot].descriptor, until: now + limits.answerWatch,
            end: now + limits.answerWatchMax)
    }

    /// After a look, and what came of it: the next one where more of the same answer is to come and nobody wants
    /// anything else, else nil, and the line is the loop's again.
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
        // Where others came in between, looking was worth it all the same.
        watching.note(isAnswered: isAnswered || isInTime)
        guard isSame else { return nil }
        lines[slot].isWatched = false
        if lines[slot].interest == [] { setInterest(slot, .read) }
        return nil
    }

    /// The call under way and its slot, where it is a read, nothing else is under way and nothing waits.
    private var loneRead: (call: Int, slot: Int)? {
        guard tracked.count == 1, machine.waitingCount == 0, let call = tracked.first?.value, call.text.kind == .read,
            let slot = call.course.slot, slot < machine.slots.count, !lines[slot].isLeased,
            lines[slot].cancels.cancelAt == nil
        else { return nil }
        return (call.id, slot)
    }
}

/// A number that each thread has for itself, 0 at first.
final class PGThreadCounter: Sendable {
    private let key: pthread_key_t

    /// Throws `configuration` where the process has no key left.
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
