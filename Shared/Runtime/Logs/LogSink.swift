internal import Glibc
internal import Synchronization

/// Writes whole log lines and never makes a caller wait for a reader.
///
/// Lines that can wait are gathered and written together. One that cannot is written before `write` returns, after all
/// earlier lines, unless another thread is writing: then that write or the next includes it. May be used from any
/// thread.
package final class LogSink: Sendable {
    /// Bytes of the longest line; a longer one is replaced by a notice of its length. A pipe takes this much at once or
    /// reports that it is full.
    package static let lineBytesMax = 4096
    /// How long a line waits for others; a sudden end of the process loses those waiting.
    package static let gatheringInterval: Duration = .milliseconds(20)
    /// Bytes of lines that wait for others; once reached, they are written.
    static let gatheredBytesMax = 32_768
    /// Bytes of lines that wait for a reader, besides as many that are being written; further lines are lost.
    static let waitingBytesMax = 65_536
    /// How often a slow reader is polled at the end.
    private static let finishingPauseMilliseconds: Int32 = 10

    /// Runs some work a little later, on any thread.
    package typealias Later = @Sendable (_ work: @escaping @Sendable () -> Void) -> Void

    private struct Waiting {
        var bytes: [UInt8] = []
        /// Whether a write of these bytes is scheduled.
        var isAwaited = false
    }

    /// Bytes that were taken out of `waiting`; written from `offset`.
    private struct Outgoing {
        var bytes: [UInt8] = []
        var offset = 0
    }

    private enum Step {
        case written
        /// The reader takes nothing right now.
        case full
        /// This many lines are lost: there is no reader, or no room.
        case failed(lines: Int)
    }

    private let descriptor: Int32
    private let later: Later?
    private let onDrop: @Sendable () -> Void
    private let waiting = Mutex(Waiting())
    // Held while writing, so that lines keep their order; taken outside the lock of `waiting`, never within it. Nobody
    // blocks on it: a terminal may take part of a line, report that it takes more, and block.
    private let outgoing = Mutex(Outgoing())

    /// Writes to a descriptor that stays open for the life of the process; without `later` nothing is gathered.
    /// `onDrop` is called for each line lost because nobody read the other end.
    package init(descriptor: Int32, later: Later? = nil, onDrop: @escaping @Sendable () -> Void) {
        self.descriptor = descriptor
        self.later = later
        self.onDrop = onDrop
    }

    /// Writes one line, or drops it if too many bytes wait: a stuck reader must not stop an event loop.
    package func write(_ line: [UInt8], atOnce: Bool = true) {
        guard let bytes = put(line) ?? putAfterDraining(line) else { return onDrop() }
        let isDue = atOnce || later == nil || bytes >= Self.gatheredBytesMax
        if !isDue || !drain() { awaitLater() }
    }

    /// Writes what is left at the end of the process, waiting at most `patience` for a slow reader.
    package func finish(within patience: Duration) {
        let deadline = ContinuousClock.now.advanced(by: patience)
        while !drain(), ContinuousClock.now < deadline { _ = poll(nil, 0, Self.finishingPauseMilliseconds) }
    }

    /// Appends a line; returns the number of waiting bytes, or nil if there is no room.
    private func put(_ line: [UInt8]) -> Int? {
        waiting.withLock { waiting in
            guard waiting.bytes.count + line.count <= Self.waitingBytesMax else { return nil }
            waiting.bytes.append(contentsOf: line)
            return waiting.bytes.count
        }
    }

    private func putAfterDraining(_ line: [UInt8]) -> Int? {
        drain()
        return put(line)
    }

    private func awaitLater() {
        guard let later else { return }
        let isFirst = waiting.withLock { waiting in
            defer { waiting.isAwaited = true }
            return !waiting.isAwaited
        }
        guard isFirst else { return }
        later {
            self.waiting.withLock { $0.isAwaited = false }
            if !self.drain() { self.awaitLater() }
        }
    }

    /// Writes as much as the reader takes without blocking; returns false if something is left or another thread is
    /// writing.
    @discardableResult
    private func drain() -> Bool {
        var lost = 0
        let isDone = outgoing.withLockIfAvailable { outgoing in
            while true {
                if outgoing.offset == outgoing.bytes.count {
                    outgoing.offset = 0
                    outgoing.bytes.removeAll(keepingCapacity: true)
                    waiting.withLock { swap(&$0.bytes, &outgoing.bytes) }
                    if outgoing.bytes.isEmpty { return true }
                }
                switch writeSome(&outgoing) {
                case .written: break
                case .full: return false
                case .failed(let lines): lost += lines
                }
            }
        }
        for _ in 0..<lost { onDrop() }
        return isDone ?? false
    }

    /// Writes as many whole lines as a pipe takes in a single write, so that lines of several processes do not mix.
    private func writeSome(_ outgoing: inout Outgoing) -> Step {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        if poll(&wanted, 1, 0) < 1 { return .full }
        var part = outgoing.bytes[outgoing.offset...].prefix(Self.lineBytesMax)
        if part.endIndex < outgoing.bytes.endIndex, let last = part.lastIndex(of: UInt8(ascii: "\n")) {
            part = part[...last]
        }
        var count = -1
        if wanted.revents & Int16(POLLOUT) != 0 {
            count = part.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR || errno == EAGAIN { return .full }
        }
        guard count > 0 else {
            outgoing.offset = part.endIndex
            return .failed(lines: part.count { $0 == UInt8(ascii: "\n") })
        }
        outgoing.offset += count
        return .written
    }
}
