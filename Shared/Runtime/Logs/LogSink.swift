internal import Glibc

/// Takes whole log lines and never makes a caller wait for a reader.
package final class LogSink: Sendable {
    /// A longer line is replaced by a notice of its length; a pipe takes this much at once or says that it is full.
    package static let lineBytesMax = 4096

    private let descriptor: Int32
    private let onDrop: @Sendable () -> Void

    /// Writes to a descriptor that stays open for the life of the process; `onDrop` hears of each line lost because
    /// nobody read the other end.
    package init(descriptor: Int32, onDrop: @escaping @Sendable () -> Void) {
        self.descriptor = descriptor
        self.onDrop = onDrop
    }

    /// Writes one line with a single write, so that lines of several threads and processes do not mix. A full pipe
    /// loses the line: a stuck reader must not stop an event loop.
    package func write(_ line: [UInt8]) {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        let isReady = poll(&wanted, 1, 0) == 1 && wanted.revents & Int16(POLLOUT) != 0
        guard isReady, Glibc.write(descriptor, line, line.count) == line.count else {
            onDrop()
            return
        }
    }
}
