import Foundation
import Logging
import Synchronization
import Testing

@testable import Runtime

@Suite struct LogTests {
    private final class Lines: Sendable {
        private let state = Mutex<[[UInt8]]>([])
        var all: [[UInt8]] { state.withLock { $0 } }
        func add(_ line: [UInt8]) { state.withLock { $0.append(line) } }
    }

    /// The lines logged with a fixed clock, as bytes.
    private static func lines(_ level: Logger.Level = .info, _ body: (inout Logger) -> Void) -> [[UInt8]] {
        let lines = Lines()
        var logger = Logger(label: "test") { label in
            JSONLogHandler(
                label: label, service: "ratings", version: "1.2.3", level: level,
                now: { WallTime(unixMilliseconds: 1_700_000_000_123) }, write: { line, _ in lines.add(line) })
        }
        body(&logger)
        return lines.all
    }

    private static func object(_ line: [UInt8]) throws -> [String: Any] {
        #expect(line.last == 0x0A)
        #expect(line.filter { $0 < 0x20 || $0 == 0x7F } == [0x0A])
        return try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
    }

    @Test func `a record is one line with its head in fixed order`() {
        let lines = Self.lines { logger in
            logger[metadataKey: "trace_id"] = "0af7651916cd43dd8448eb211c80319c"
            logger.info("Rated", metadata: ["code": .stringConvertible(0), "took": .stringConvertible(1.5), "b": "c"])
        }
        #expect(
            lines.map { String(decoding: $0, as: UTF8.self) } == [
                #"{"time":"2023-11-14T22:13:20.123Z","level":"info","service":"ratings","version":"1.2.3","#
                    + #""logger":"test","message":"Rated","b":"c","code":0,"took":1.5,"#
                    + #""trace_id":"0af7651916cd43dd8448eb211c80319c"}"# + "\n"
            ])
    }

    @Test func `of two values of one name the record's own is written`() throws {
        let lines = Self.lines { logger in
            logger.info("none")
            logger[metadataKey: "a"] = "logger"
            logger[metadataKey: "b"] = "logger"
            logger.info("one")
            logger.info("both", metadata: ["b": "record", "logger": "record"])
        }
        let found = try lines.map { line in
            try Self.object(line).compactMapValues { $0 as? String }.filter { ["a", "b", "_logger"].contains($0.key) }
        }
        #expect(
            found == [
                [:], ["a": "logger", "b": "logger"], ["a": "logger", "b": "record", "_logger": "record"],
            ])
    }

    @Test func `levels below the configured one are silent`() {
        #expect(
            Self.lines(.warning) {
                $0.info("no"); $0.warning("yes")
            }.count == 1)
    }

    @Test func `nothing that is logged can forge a line or steer a terminal`() throws {
        let evil = "a\n{\"level\":\"x\"}\r\u{1B}[2J\u{2028}\u{2029}\u{0}\u{7F}\u{9B}31m\u{202E}\u{200F}\"\\\u{FEFF}é🎬"
        let lines = Self.lines { logger in
            logger[metadataKey: "k\n\(evil)"] = "\(evil)"
            logger.info(
                "\(evil)",
                metadata: [
                    "level": "forged", "message": "forged", "time": "forged", "list": ["\(evil)", ["x": "\(evil)"]],
                ])
        }
        #expect(lines.count == 1)
        let line = try #require(lines.first)
        let object = try Self.object(line)
        #expect(object["message"] as? String == evil)
        #expect(object["level"] as? String == "info")
        #expect(object["_level"] as? String == "forged")
        #expect(object["k\n\(evil)"] as? String == evil)
        let text = String(decoding: line, as: UTF8.self)
        for scalar in text.unicodeScalars.dropLast() {
            #expect(!(0x7F..<0xA0).contains(scalar.value) && ![0x2028, 0x2029, 0x202E, 0x200F].contains(scalar.value))
        }
    }

    @Test func `a line is bounded whatever is logged`() throws {
        let long = String(repeating: "\u{1}", count: 100_000)
        let lines = Self.lines { logger in
            logger.info("\(long)")
            logger.info("x", metadata: ["a": "\(long)", "b": "\(long)", "c": "\(long)"])
            var deep = Logger.MetadataValue.string("end")
            for _ in 0..<1000 { deep = .array([deep]) }
            logger.info("deep", metadata: ["deep": deep])
        }
        for line in lines {
            #expect(line.count <= LogSink.lineBytesMax)
            _ = try Self.object(line)
        }
        #expect(try Self.object(lines[1])["metadata_bytes_dropped"] != nil)
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"), (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (4_107_542_399_000, "2100-02-28T23:59:59.000Z"), (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] as [(Int64, String)])
    func `times are written in UTC`(milliseconds: Int64, text: String) {
        var bytes: [UInt8] = []
        WallTime(unixMilliseconds: milliseconds).append(to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == text)
    }

    @Test func `dates agree with the system's calendar`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var state = seed
        for _ in 0..<2000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let seconds = time_t(state >> 16) % 100_000_000_000
            var parts = tm()
            var moment = seconds
            gmtime_r(&moment, &parts)
            var bytes: [UInt8] = []
            WallTime(unixMilliseconds: Int64(seconds) * 1000).append(to: &bytes)
            let expected = [
                parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
            ]
            let found = String(decoding: bytes, as: UTF8.self).split { !$0.isNumber }.prefix(6).compactMap { Int32($0) }
            #expect(found == expected, "seed \(seed)")
        }
    }
}
