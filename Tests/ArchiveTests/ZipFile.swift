import GZip

/// A ZIP archive built byte by byte, so that tests can falsify any of its fields.
struct ZipFile {
    struct Entry {
        var name: String
        var bytes: [UInt8]
        /// The size that the archive claims, if not the true one.
        var claimedBytes: UInt32?
        var flags: UInt16 = 0x0800
        /// The Unix file type and permissions.
        var mode: UInt32 = 0o100644
        /// The index of an earlier entry whose bytes this one shares.
        var sharing: Int?
    }

    var entries: [Entry] = []
    /// The number of entries that the end record claims, if not the true one.
    var claimedEntries: UInt16?
    var comment: [UInt8] = []

    init(_ entries: [(String, [UInt8])] = []) {
        self.entries = entries.map { Entry(name: $0.0, bytes: $0.1) }
    }

    func bytes() throws -> [UInt8] {
        var (file, directory): ([UInt8], [UInt8]) = ([], [])
        var written: [(place: Int, packed: [UInt8], sum: UInt32, size: Int)] = []
        for entry in entries {
            var contents = entry.sharing.map { written[$0] }
            if contents == nil {
                let packed = Self.deflated(try GZip.packed(entry.bytes))
                contents = (file.count, packed, Self.checksum(entry.bytes), entry.bytes.count)
            }
            guard let contents else { continue }
            written.append(contents)
            let (place, packed, sum, honestBytes) = contents
            let size = entry.claimedBytes ?? UInt32(honestBytes)
            func facts() -> [UInt8] {
                Self.short(20) + Self.short(entry.flags) + Self.short(8) + Self.long(0) + Self.long(sum)
                    + Self.long(UInt32(packed.count)) + Self.long(size) + Self.short(UInt16(entry.name.utf8.count))
                    + Self.short(0)
            }
            if entry.sharing == nil {
                file += Self.long(0x0403_4b50) + facts() + Array(entry.name.utf8) + packed
            }
            directory += Self.long(0x0201_4b50) + Self.short(0x0314) + facts() + Self.short(0) + Self.short(0)
            directory += Self.short(0) + Self.long(entry.mode << 16) + Self.long(UInt32(place)) + Array(entry.name.utf8)
        }
        let count = claimedEntries ?? UInt16(truncatingIfNeeded: entries.count)
        let start = UInt32(file.count)
        let end =
            Self.long(0x0605_4b50) + Self.long(0) + Self.short(count) + Self.short(count)
            + Self.long(UInt32(directory.count)) + Self.long(start) + Self.short(UInt16(comment.count))
        return file + directory + end + comment
    }

    static func short(_ value: UInt16) -> [UInt8] { [UInt8(value & 0xFF), UInt8(value >> 8)] }

    static func long(_ value: UInt32) -> [UInt8] {
        short(UInt16(value & 0xFFFF)) + short(UInt16(value >> 16))
    }

    /// A gzip stream without its 10-byte header and 8-byte trailer.
    private static func deflated(_ stream: [UInt8]) -> [UInt8] { Array(stream[10..<stream.count - 8]) }

    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var sum: UInt32 = 0xFFFF_FFFF
        for byte in bytes { sum = table[Int((sum ^ UInt32(byte)) & 0xFF)] ^ (sum >> 8) }
        return sum ^ 0xFFFF_FFFF
    }

    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1 }
    }
}
