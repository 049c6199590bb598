import Dispatch
import Glibc
import Synchronization
import Testing

@testable import Runtime

@Suite struct LogSinkTests {
    /// A pipe, the number of lines that its sink has lost, and the work that the sink has deferred.
    private final class Rig: Sendable {
        let ends: (reader: Int32, writer: Int32)
        private let lost = Mutex(0)
        private let work = Mutex<[@Sendable () -> Void]>([])

        var lostCount: Int { lost.withLock { $0 } }
        var workCount: Int { work.withLock { $0.count } }

        init() throws {
            var ends: [Int32] = [0, 0]
            try #require(pipe(&ends) == 0)
            self.ends = (ends[0], ends[1])
        }

        deinit { for end in [ends.reader, ends.writer] { close(end) } }

        /// A sink that writes to the pipe, or to another descriptor if given.
        func sink(gathers: Bool, to other: Int32? = nil) -> LogSink {
            let later: LogSink.Later = { work in self.work.withLock { $0.append(work) } }
            return LogSink(descriptor: other ?? ends.writer, later: gathers ? later : nil) {
                self.lost.withLock { $0 += 1 }
            }
        }

        func workOff() {
            let due = work.withLock { work in
                defer { work = [] }
                return work
            }
            for work in due { work() }
        }

        /// What can be read without waiting.
        func read() -> String {
            var all: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 65_536)
            var wanted = pollfd(fd: ends.reader, events: Int16(POLLIN), revents: 0)
            while poll(&wanted, 1, 0) == 1, wanted.revents & Int16(POLLIN) != 0 {
                let count = Glibc.read(ends.reader, &buffer, buffer.count)
                guard count > 0 else { break }
                all += buffer.prefix(count)
            }
            return String(decoding: all, as: UTF8.self)
        }
    }

    private static func line(_ number: Int, bytes: Int = 1_000) -> [UInt8] {
        let text = String(number)
        return Array((String(repeating: "a", count: bytes - 2 - text.utf8.count) + " " + text + "\n").utf8)
    }

    private static func numbers(_ text: String) -> [Int] {
        text.split(separator: "\n").compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
    }

    @Test func `a full pipe loses lines instead of time, and those that were taken come in their order`() throws {
        let rig = try Rig()
        let sink = rig.sink(gathers: false)
        for number in 0..<1_000 { sink.write(Self.line(number)) }
        let kept = 1_000 - rig.lostCount
        #expect(kept > 0 && kept * 1_000 < 2 * LogSink.waitingBytesMax + 65_536)
        var found: [Int] = []
        for _ in 0..<10 {
            found += Self.numbers(rig.read())
            sink.finish(within: .zero)
        }
        #expect(found == Array(0..<kept))
        sink.write(Self.line(1_000))
        #expect(Self.numbers(rig.read()) == [1_000])
        #expect(rig.lostCount == 1_000 - kept)
    }

    @Test func `lines that can wait are written together, and before one that cannot`() throws {
        let rig = try Rig()
        let sink = rig.sink(gathers: true)
        for number in 0..<3 { sink.write(Self.line(number), atOnce: false) }
        #expect(rig.read().isEmpty && rig.workCount == 1)
        rig.workOff()
        #expect(Self.numbers(rig.read()) == [0, 1, 2])
        sink.write(Self.line(3), atOnce: false)
        #expect(rig.read().isEmpty && rig.workCount == 1)
        sink.write(Self.line(4), atOnce: true)
        #expect(Self.numbers(rig.read()) == [3, 4])
        rig.workOff()
        #expect(rig.read().isEmpty && rig.workCount == 0 && rig.lostCount == 0)
    }

    @Test func `lines wait until there are many`() throws {
        let rig = try Rig()
        let sink = rig.sink(gathers: true)
        let count = LogSink.gatheredBytesMax / 1_024
        for number in 1..<count { sink.write(Self.line(number, bytes: 1_024), atOnce: false) }
        #expect(rig.read().isEmpty)
        sink.write(Self.line(count, bytes: 1_024), atOnce: false)
        #expect(Self.numbers(rig.read()) == Array(1...count))
    }

    @Test func `what a pipe has no room for is tried again`() throws {
        let rig = try Rig()
        let sink = rig.sink(gathers: true)
        for number in 0..<100 { sink.write(Self.line(number), atOnce: true) }
        #expect(rig.lostCount == 0 && rig.workCount == 1)
        let first = Self.numbers(rig.read())
        #expect(first.count < 100)
        rig.workOff()
        #expect(first + Self.numbers(rig.read()) == Array(0..<100))
    }

    @Test func `the end of a process waits for a slow reader`() throws {
        let rig = try Rig()
        let sink = rig.sink(gathers: true)
        for number in 0..<100 { sink.write(Self.line(number), atOnce: false) }
        let found = Mutex<[Int]>([])
        let reading = DispatchGroup()
        DispatchQueue.global().async(group: reading) {
            let deadline = ContinuousClock.now.advanced(by: .seconds(10))
            var text = ""
            while text.utf8.count < 100_000, ContinuousClock.now < deadline {
                usleep(5_000)
                text += rig.read()
            }
            found.withLock { $0 = Self.numbers(text) }
        }
        sink.finish(within: .seconds(10))
        reading.wait()
        #expect(found.withLock { $0 } == Array(0..<100) && rig.lostCount == 0)
    }

    /// A kernel counter (eventfd(2), which Glibc's module leaves out): a write of eight bytes adds to it, or waits for
    /// room. It reports being writable as long as there is room for one, and terminals may do so as well.
    private static func counter(_ value: UInt64) throws -> Int32 {
        typealias Make = @convention(c) (UInt32, Int32) -> Int32
        let make = unsafeBitCast(try #require(dlsym(nil, "eventfd")), to: Make.self)
        let counter = make(0, 0)
        try #require(counter >= 0)
        var value = value
        try #require(Glibc.write(counter, &value, 8) == 8)
        return counter
    }

    /// The value of a counter, which this resets to zero; nil if it is zero already.
    private static func count(_ counter: Int32) -> UInt64? {
        var wanted = pollfd(fd: counter, events: Int16(POLLIN), revents: 0)
        guard poll(&wanted, 1, 0) == 1 else { return nil }
        var value: UInt64 = 0
        return Glibc.read(counter, &value, 8) == 8 ? value : nil
    }

    /// The status line of a thread of this process: its number, its name in brackets, its state (proc_pid_stat(5)).
    private static func state(_ thread: String) -> String {
        guard case .text(let text) = ConfigFile.read("/proc/\(thread)/stat") else { return "" }
        return text
    }

    /// Other loggers, event loops among them, would otherwise queue behind a stuck thread.
    @Test func `while a thread is stuck in a write nobody else waits, and their lines go when it goes on`() throws {
        let rig = try Rig()
        let counter = try Self.counter(.max - 15)
        defer { close(counter) }
        let sink = rig.sink(gathers: true, to: counter)
        let lines = [Array("line 01\n".utf8), Array("line 02\n".utf8)]
        let writer = Mutex("")
        let (begun, ended, others) = (
            DispatchSemaphore(value: 0), DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)
        )
        DispatchQueue.global().async {
            writer.withLock { $0 = String(Self.state("thread-self").prefix { $0 != " " }) }
            begun.signal()
            sink.write(lines[0])
            ended.signal()
        }
        begun.wait()
        let thread = "self/task/\(writer.withLock { $0 })"
        let deadline = ContinuousClock.now.advanced(by: .seconds(10))
        while Self.state(thread).split(separator: ")").last?.hasPrefix(" S") != true, ContinuousClock.now < deadline {
            usleep(1_000)
        }
        DispatchQueue.global().async {
            sink.write(lines[1])
            rig.workOff()
            sink.finish(within: .zero)
            others.signal()
        }
        let areFree = others.wait(timeout: .now() + .seconds(5)) == .success
        #expect(areFree)
        let isStuck = ended.wait(timeout: .now()) == .timedOut
        #expect(isStuck && rig.workCount == 1)

        let before = Self.count(counter)
        try #require(isStuck && before == UInt64.max - 15)
        let isOver = ended.wait(timeout: .now() + .seconds(10)) == .success
        try #require(isOver)
        // The thread that resumes takes the other line along.
        let sum = lines.map { line in line.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) } }.reduce(0, +)
        #expect(Self.count(counter) == sum)
        rig.workOff()
        #expect(rig.lostCount == 0 && rig.workCount == 0)
    }

    @Test func `without a reader lines are lost and counted`() throws {
        signal(SIGPIPE, SIG_IGN)
        let rig = try Rig()
        let sink = rig.sink(gathers: true)
        // Closes the reading end, keeping its descriptor number open for the rig to close.
        let nothing = open("/dev/null", O_RDONLY)
        dup2(nothing, rig.ends.reader)
        close(nothing)
        for number in 0..<10 { sink.write(Self.line(number), atOnce: false) }
        #expect(rig.lostCount == 0)
        sink.write(Self.line(10), atOnce: true)
        #expect(rig.lostCount == 11)
    }
}
