import Testing

@testable import Runtime

@Suite struct CodePagesTests {
    @Test("Only code of files that nobody may write to is let go of")
    func ranges() {
        let maps = """
            00400000-00452000 r-xp 00000000 08:02 173521      /usr/bin/a program
            00651000-00652000 r--p 00051000 08:02 173521      /usr/bin/a program
            00652000-00655000 rw-p 00052000 08:02 173521      /usr/bin/a program
            00e03000-00e24000 rw-p 00000000 00:00 0           [heap]
            35b1800000-35b1820000 r-xp 00000000 08:02 135522  /usr/lib64/ld-2.15.so
            f2c6ff8c000-7f2c7078c000 rwxp 00000000 08:02 42   /tmp/written
            7fffb2d48000-7fffb2d49000 r-xp 00000000 00:00 0   [vdso]
            7fffb2e00000-7fffb2e01000 r-xp 00000000 00:00 0
            zz-yy r-xp 00000000 08:02 135522  /usr/lib64/ld-2.15.so
            """
        #expect(CodePages.ranges(in: maps) == [0x40_0000..<0x45_2000, 0x35_b180_0000..<0x35_b182_0000])
        #expect(CodePages.ranges(in: "").isEmpty)
    }

    /// Nil under ThreadSanitizer, whose mappings exceed the size limit of a settings file.
    private static let maps: String? =
        if case .text(let maps) = ConfigFile.read("/proc/self/maps") { maps } else { nil }

    @Test("A process goes on without its code in memory, and has less of it than before", .enabled(if: maps != nil))
    func letGo() throws {
        // A process that has run little has little to release, and takes as much back with its next calls.
        let maps = try #require(Self.maps)
        var sum = 0
        for address in CodePages.ranges(in: maps).flatMap({ stride(from: $0.lowerBound, to: $0.upperBound, by: 4_096) })
        {
            sum &+= Int(UnsafePointer<UInt8>(bitPattern: address)?.pointee ?? 0)
        }
        #expect(sum != 0)
        let before = try mappedBytes()
        CodePages.letGo()
        #expect(try mappedBytes() < before)
    }

    /// The file-backed memory of this process: `RssFile` of proc(5), in bytes.
    private func mappedBytes() throws -> Int {
        guard case .text(let status) = ConfigFile.read("/proc/self/status") else { throw Unreadable() }
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("RssFile:") })
        return try #require(line.split(separator: " ").compactMap { Int(String($0)) }.first) * 1_024
    }

    private struct Unreadable: Error {}
}
