internal import Glibc

/// A lone read whose sender looks for the answer itself.
struct PGWatch: Sendable {
    let token: PGSlotToken
    let descriptor: Int32
    let limit: Duration
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
    mutating func startWatch() -> PGWatch? {
        guard tracked.count == 1, machine.waitingCount == 0, let call = tracked.first?.value, call.text.kind == .read,
            let slot = call.course.slot, slot < machine.slots.count, !lines[slot].isLeased, lines[slot].cancels.cancelAt == nil,
            lines[slot].interest == .read, watching.mayStart()
        else { return nil }
        setInterest(slot, [])
        return PGWatch(token: token(of: slot), descriptor: lines[slot].descriptor, limit: limits.answerWatch)
    }

    mutating func endWatch(_ watch: PGWatch, isAnswered: Bool, now: Instant) {
        watching.note(isAnswered: isAnswered)
        let slot = watch.token.slot
        guard lines[slot].generation == watch.token.generation, lines[slot].phase == .ready else { return }
        if isAnswered { return ready(watch.token, isReadable: true, now: now) }
        if lines[slot].interest == [] { setInterest(slot, .read) }
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
