import TestSupport
import Testing

@testable import Archive

@Suite("ZIP archives from outside")
struct ArchiveReaderTests {
    @Test("every file comes out as it went in, in pieces")
    func reads() throws {
        var random = SeededRandom(seed: UInt64.random(in: 0...UInt64.max))
        let large = (0..<300_000).map { _ in UInt8.random(in: 0...7, using: &random) }
        let zip = ZipFile([("diary.csv", Array("Date,Name\r\n".utf8)), ("likes/films.csv", []), ("größe.csv", large)])
        let found = try Self.contents(of: try zip.bytes())
        #expect(found.map(\.0) == ["diary.csv", "likes/films.csv", "größe.csv"])
        #expect(found.map(\.1) == [Array("Date,Name\r\n".utf8), [], large], "seed \(random.seed)")
    }

    @Test("folders are no files, and a comment behind the end record is passed over")
    func oddButHonest() throws {
        var zip = ZipFile([("export/", []), ("export/diary.csv", Array("x".utf8))])
        zip.comment = Array("made by hand".utf8)
        #expect(try Self.contents(of: try zip.bytes()).map(\.0) == ["export/diary.csv"])
    }

    @Test("ten thousand entries pass; one more is refused by the end record, whatever the directory holds")
    func entryCount() throws {
        let names = (0..<10_001).map { ("f\($0)", [UInt8]()) }
        #expect(try Self.contents(of: try ZipFile(Array(names.prefix(10_000))).bytes()).count == 10_000)
        #expect(throws: ArchiveError.tooManyEntries) { try Self.contents(of: try ZipFile(names).bytes()) }
        // The end record alone decides: no entries precede it here.
        var record = ZipFile()
        record.claimedEntries = 10_001
        #expect(throws: ArchiveError.tooManyEntries) { try Self.contents(of: try record.bytes()) }
    }

    @Test("a small end record behind a large one hides nothing, nor does a record of ZIP64")
    func hiddenCounts() throws {
        var zip = ZipFile((0..<10_001).map { ("f\($0)", [UInt8]()) })
        zip.comment = try ZipFile().bytes()
        #expect(throws: ArchiveError.tooManyEntries) { try Self.contents(of: try zip.bytes()) }
        // ZIP64: the short record claims 65,535 entries, the long one a million.
        let long =
            ZipFile.long(0x0606_4b50) + ZipFile.long(44) + ZipFile.long(0) + ZipFile.long(0) + ZipFile.long(0)
            + ZipFile.long(0) + ZipFile.long(1_000_000) + ZipFile.long(0) + ZipFile.long(1_000_000) + ZipFile.long(0)
            + ZipFile.long(46_000_000) + ZipFile.long(0) + ZipFile.long(0) + ZipFile.long(0)
        let locator = ZipFile.long(0x0706_4b50) + ZipFile.long(0) + ZipFile.long(0) + ZipFile.long(0) + ZipFile.long(1)
        var end = ZipFile()
        end.claimedEntries = 0xFFFF
        let bytes = try end.bytes()
        #expect(throws: ArchiveError.tooManyEntries) { try Self.contents(of: long + locator + bytes) }
    }

    @Test("a bomb ends at its ratio once its first MiB is out, however many honest files stand beside it")
    func ratio() throws {
        let nothing = [UInt8](repeating: 0, count: 1 << 20)
        #expect(try Self.contents(of: try ZipFile([("nul.csv", nothing)]).bytes())[0].1.count == 1 << 20)
        let bomb = [UInt8](repeating: 0, count: 3 << 20)
        #expect(throws: ArchiveError.tooTightlyPacked("bomb.csv")) {
            try Self.contents(of: try ZipFile([("diary.csv", [1]), ("bomb.csv", bomb)]).bytes())
        }
    }

    @Test("entries that share one stream are counted each")
    func overlapping() throws {
        var zip = ZipFile([("first.csv", [UInt8](repeating: 0, count: 1 << 20))])
        for place in 1..<300 {
            zip.entries.append(ZipFile.Entry(name: "f\(place).csv", bytes: [], sharing: 0))
        }
        let bytes = try zip.bytes()
        #expect(bytes.count < 50_000)
        #expect(throws: ArchiveError.tooLarge) { try Self.contents(of: bytes) }
    }

    @Test("what all entries unpack to is bounded to the byte")
    func total() throws {
        var limits = ArchiveLimits()
        limits.totalBytesMax = 1_000
        let half = [UInt8](repeating: 7, count: 500)
        let zip = try ZipFile([("a", half), ("b", half)]).bytes()
        #expect(try Self.contents(of: zip, limits).count == 2)
        limits.totalBytesMax = 999
        #expect(throws: ArchiveError.tooLarge) { try Self.contents(of: zip, limits) }
    }

    @Test("sizes that lie are found out", arguments: [UInt32(1), 4_999, 5_001, 0xFFFF_FFF0])
    func lyingSizes(claimed: UInt32) throws {
        var zip = ZipFile([("diary.csv", (0..<5_000).map { UInt8($0 % 251) })])
        zip.entries[0].claimedBytes = claimed
        #expect(throws: ArchiveError.damaged) { try Self.contents(of: try zip.bytes()) }
    }

    @Test(
        "names that lead elsewhere are refused",
        arguments: ["../diary.csv", "a/../../b", "/etc/passwd", "C:\\diary.csv", "..\\diary.csv", "\\\\host\\share"])
    func unsafeNames(name: String) throws {
        #expect(throws: ArchiveError.unsafeName(name)) { try Self.contents(of: try ZipFile([(name, [1])]).bytes()) }
    }

    @Test("links, encrypted files and archives within the archive are refused")
    func refusedKinds() throws {
        var link = ZipFile([("diary.csv", Array("/etc/passwd".utf8))])
        link.entries[0].mode = 0o120777
        #expect(throws: ArchiveError.symbolicLink("diary.csv")) { try Self.contents(of: try link.bytes()) }
        var locked = ZipFile([("diary.csv", [1, 2, 3])])
        locked.entries[0].flags |= 1
        #expect(throws: ArchiveError.encrypted("diary.csv")) { try Self.contents(of: try locked.bytes()) }
        let inner = try ZipFile([("diary.csv", [1])]).bytes()
        #expect(throws: ArchiveError.nested("export.csv")) {
            try Self.contents(of: try ZipFile([("export.csv", inner)]).bytes())
        }
    }

    @Test("cut and changed bytes are refused or read, never a crash")
    func damage() throws {
        var random = SeededRandom(seed: UInt64.random(in: 0...UInt64.max))
        let bytes = try ZipFile([("diary.csv", Array("Date,Name\n".utf8)), ("watched.csv", Array("x".utf8))]).bytes()
        for count in 0..<bytes.count {
            #expect(throws: ArchiveError.self) { try Self.contents(of: Array(bytes[..<count])) }
        }
        for _ in 0..<2_000 {
            var changed = bytes
            changed[Int.random(in: 0..<changed.count, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
            do {
                _ = try Self.contents(of: changed)
            } catch {
                #expect(error != .noScratch, "seed \(random.seed)")
            }
        }
        #expect(throws: ArchiveError.notAnArchive) { try Self.contents(of: Array("Date,Name\n".utf8)) }
        #expect(throws: ArchiveError.notAnArchive) { try Self.contents(of: []) }
    }

    @Test("what the writer packs, the reader finds")
    func roundTrip() throws {
        var writer = try ArchiveWriter()
        var random = SeededRandom(seed: UInt64.random(in: 0...UInt64.max))
        let large = (0..<200_000).map { _ in UInt8.random(in: 32...120, using: &random) }
        try writer.begin("watched-history-1.json")
        for start in stride(from: 0, to: large.count, by: 7_001) {
            try writer.write(Array(large[start..<min(start + 7_001, large.count)]))
        }
        try writer.begin("lists/größe.json")
        let packed = try writer.finish()
        #expect(packed.byteCount < large.count)
        let found = try Self.contents(of: try packed.read(at: 0, count: packed.byteCount))
        #expect(found.map(\.0) == ["watched-history-1.json", "lists/größe.json"])
        #expect(found.map(\.1) == [large, []], "seed \(random.seed)")
        let empty = try ArchiveWriter().finish()
        #expect(empty.byteCount == 0)
    }

    @Test("an entry says when its file was written")
    func dates() throws {
        var writer = try ArchiveWriter()
        try writer.begin("diary.csv")
        try writer.write([1])
        let packed = try writer.finish()
        let reader = try ArchiveReader(packed)
        #expect(reader.entries.map(\.writtenAtSeconds) == [315_619_200])
    }

    private static func contents(
        of bytes: [UInt8], _ limits: ArchiveLimits = ArchiveLimits()
    ) throws(ArchiveError) -> [(String, [UInt8])] {
        var file = try ScratchFile()
        try file.append(bytes)
        var reader = try ArchiveReader(file, limits: limits)
        var found: [(String, [UInt8])] = []
        for entry in reader.entries {
            try reader.open(entry)
            var contents: [UInt8] = []
            while let piece = try reader.next() { contents += piece }
            found.append((entry.name, contents))
        }
        return found
    }
}
