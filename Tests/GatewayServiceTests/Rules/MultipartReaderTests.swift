import TestSupport
import Testing

@testable import GatewayService

@Suite("Multipart bodies")
struct MultipartReaderTests {
    private static func files(
        _ body: [UInt8], boundary: String = "XX", pieceBytes: Int = .max
    ) throws(MultipartReader.Failure) -> [(name: String?, bytes: [UInt8])] {
        var reader = MultipartReader(boundary: boundary)
        var files: [(name: String?, bytes: [UInt8])] = []
        var isOpen = false
        var start = 0
        while start < body.count {
            let end = start + min(pieceBytes, body.count - start)
            try reader.feed(Array(body[start..<end])) { event in
                switch event {
                case .part(let name):
                    #expect(!isOpen)
                    isOpen = true
                    files.append((name, []))
                case .bytes(let bytes): files[files.count - 1].bytes += bytes
                case .end: isOpen = false
                }
            }
            start = end
        }
        try reader.finish()
        #expect(!isOpen)
        return files
    }

    private static func part(_ name: String, _ bytes: [UInt8]) -> [UInt8] {
        Array(
            "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\(name)\"\r\nContent-Type: text/csv\r\n\r\n"
                .utf8) + bytes + [13, 10]
    }

    private static let end = Array("--XX--\r\n".utf8)

    @Test("files come out whole, wherever the pieces are cut", arguments: [1, 2, 3, 5, 17, Int.max])
    func files(pieceBytes: Int) throws {
        // Looks like the delimiter but is not.
        let tricky = Array("a\r\n--X\r\n\r\n--XY\r\r\n--".utf8)
        let body =
            Array("a preamble\r\n".utf8) + Self.part("diary.csv", Array("Date\r\n".utf8)) + Self.part("empty.csv", [])
            + Self.part("C:\\export\\tricky.csv", tricky)
            + Array("--XX\r\nContent-Disposition: form-data; name=\"apply\"\r\n\r\ntrue\r\n".utf8)
            + Self.end + Array("an epilogue".utf8)
        let found = try Self.files(body, pieceBytes: pieceBytes)
        #expect(found.map(\.name) == ["diary.csv", "empty.csv", "tricky.csv", nil])
        #expect(found.map(\.bytes) == [Array("Date\r\n".utf8), [], tricky, Array("true".utf8)])
    }

    /// The `deleted/diary.csv` of an uploaded folder used to be taken for the diary, and a file with an unquoted name
    /// for a field.
    @Test(
        "a file keeps the folders within what was sent, and only those",
        arguments: [
            (#""deleted/diary.csv""#, "deleted/diary.csv"), (#""./likes\films.csv""#, "likes/films.csv"),
            (#""/of/me/deleted/diary.csv""#, "diary.csv"), (#""../deleted/diary.csv""#, "diary.csv"),
            (#""C:\deleted\diary.csv""#, "diary.csv"), (#""my \"best\".csv""#, #"my "best".csv"#),
            ("diary.csv; filename*=utf-8''diary.csv", "diary.csv"), ("\"\"", "file"), (#""/""#, "file"),
        ])
    func names(told: String, expected: String) throws {
        let body = Array("--XX\r\ncontent-disposition: form-data; name=file; filename=\(told)\r\n\r\nx\r\n".utf8)
        #expect(try Self.files(body + Self.end).map(\.name) == [expected])
    }

    @Test("any bytes come out as they went in")
    func property() throws {
        var random = SeededRandom(seed: UInt64.random(in: 0...UInt64.max))
        for _ in 0..<300 {
            let alphabet: [UInt8] = [13, 10, 45, 88, 97]
            let files = (0..<3).map { _ in
                (0..<Int.random(in: 0...40, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? 0 }
            }
            // A file that contains the delimiter itself is skipped.
            guard files.allSatisfy({ !String(decoding: [13, 10] + $0, as: UTF8.self).contains("\r\n--XX") }) else {
                continue
            }
            let body = files.flatMap { Self.part("f", $0) } + Self.end
            let pieceBytes = Int.random(in: 1...20, using: &random)
            #expect(try Self.files(body, pieceBytes: pieceBytes).map(\.bytes) == files, "seed \(random.seed)")
        }
    }

    @Test("cut bodies, endless headers and too many parts are refused")
    func refused() throws {
        let whole = Self.part("a", [1, 2, 3]) + Self.end
        for count in 0..<whole.count - 4 {
            #expect(throws: MultipartReader.Failure.cut) { try Self.files(Array(whole[..<count])) }
        }
        let long = Array("--XX\r\nX: ".utf8) + [UInt8](repeating: 97, count: 9_000)
        #expect(throws: MultipartReader.Failure.headerTooLong) { try Self.files(long) }
        let many = (0..<201).flatMap { _ in Self.part("a", []) } + Self.end
        #expect(throws: MultipartReader.Failure.tooManyParts) { try Self.files(many) }
    }

    @Test(
        "boundaries",
        arguments: [
            ("multipart/form-data; boundary=XX", "XX"), ("Multipart/Form-Data; charset=utf-8; boundary=\"a b\"", "a b"),
            ("multipart/form-data", nil), ("text/csv; boundary=XX", nil), ("multipart/form-data; boundary=", nil),
        ] as [(String, String?)])
    func boundary(type: String, expected: String?) { #expect(MultipartReader.boundary(of: type) == expected) }
}
