internal import CLibpq
internal import Glibc

/// An epoll set and the eventfd that wakes it; deinit closes both descriptors.
final class PGPoller: Sendable {
    struct Interest: OptionSet, Sendable {
        let rawValue: UInt32
        static let read = Interest(rawValue: UInt32(reelay_epoll_in))
        static let write = Interest(rawValue: UInt32(reelay_epoll_out))
    }

    struct Event {
        let token: UInt64
        let isReadable: Bool
        let isWritable: Bool
    }

    static let wakeToken = UInt64.max
    private let epoll: Int32
    private let wakeDescriptor: Int32

    /// Throws `configuration` if the process is out of descriptors.
    init() throws(PGError) {
        epoll = epoll_create1(Int32(reelay_epoll_cloexec))
        wakeDescriptor = eventfd(0, Int32(reelay_eventfd_flags))
        guard epoll >= 0, wakeDescriptor >= 0 else { throw PGError(.configuration, "no file descriptors left") }
        add(wakeDescriptor, token: Self.wakeToken, .read)
    }

    deinit {
        close(epoll)
        close(wakeDescriptor)
    }

    /// Can be called from any thread, even while another waits.
    func add(_ descriptor: Int32, token: UInt64, _ interest: Interest) {
        control(EPOLL_CTL_ADD, descriptor, token, interest)
    }

    func change(_ descriptor: Int32, token: UInt64, _ interest: Interest) {
        control(EPOLL_CTL_MOD, descriptor, token, interest)
    }

    func remove(_ descriptor: Int32) { control(EPOLL_CTL_DEL, descriptor, 0, []) }

    private func control(_ operation: Int32, _ descriptor: Int32, _ token: UInt64, _ interest: Interest) {
        var event = unsafe epoll_event(events: interest.rawValue, data: epoll_data_t(u64: token))
        _ = unsafe epoll_ctl(epoll, operation, descriptor, &event)
    }

    /// Whether reading would not block; one call to the kernel.
    static func isReadable(_ descriptor: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&entry, 1, 0) > 0
    }

    func wake() {
        var one: UInt64 = 1
        _ = unsafe write(wakeDescriptor, &one, 8)
    }

    /// Waits until something is ready or `timeout` has passed; nil waits forever.
    func wait(_ timeout: Duration?, into events: inout [Event]) {
        events.removeAll(keepingCapacity: true)
        let milliseconds = timeout.map { Int32(clamping: max(0, $0.wholeMilliseconds)) } ?? -1
        unsafe withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 64) { buffer in
            let count = unsafe epoll_wait(epoll, buffer.baseAddress, 64, milliseconds)
            for index in 0..<max(0, Int(count)) {
                let (bits, token) = unsafe (buffer[index].events, buffer[index].data.u64)
                if token == Self.wakeToken {
                    var value: UInt64 = 0
                    _ = unsafe read(wakeDescriptor, &value, 8)
                    continue
                }
                // Errors and hang-ups are reported as readable: the next read tells them apart.
                let isWritable = bits & Interest.write.rawValue != 0
                let isReadable = bits & ~Interest.write.rawValue != 0
                events.append(Event(token: token, isReadable: isReadable, isWritable: isWritable))
            }
        }
    }
}
