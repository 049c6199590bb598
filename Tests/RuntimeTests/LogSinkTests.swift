import Dispatch
import Glibc
import Synchronization
import Testing

@testable import Runtime

@Suite struct LogSinkTests {
    /// A pipe, how many lines its sink has lost, and what the sink wants done later.
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

        func sink(gathers: Bool) -> LogSink {
            let later: LogSink.Later = { work in self.work.withLock { $0.append(work) } }
            return LogSink(descriptor: ends.writer, later: gathers ? later : nil) {
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

        /// What can be read right now.
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

    @Test func `without a reader lines are lost and counted`() throws {
        signal(SIGPIPE, SIG_IGN)
        let rig = try Rig()
        let sink = rig.sink(gathers: true)
        // Closes the reading end, whose number stays taken for the rig to close.
        let nothing = open("/dev/null", O_RDONLY)
        dup2(nothing, rig.ends.reader)
        close(nothing)
        for number in 0..<10 { sink.write(Self.line(number), atOnce: false) }
        #expect(rig.lostCount == 0)
        sink.write(Self.line(10), atOnce: true)
        #expect(rig.lostCount == 11)
    }
}
