import Contracts
import JSON
import RPC
import Synchronization
import Testing

@testable import GatewayService

/// What an upload passes on to scrobble.
@Suite struct CreateImportTests {
    /// Scrobble, as far as it accepts files; any other call fails.
    private final class Scrobble: RPCCaller {
        private let told = Mutex<[String]>([])

        /// The file names, once for each piece.
        var names: [String] { told.withLock(\.self) }

        func call<Params: JSONEncodable, Result: JSONDecodable>(
            _ method: RPCMethod, _ params: Params, _ call: RPCCall
        ) async throws(RPCError) -> Result {
            let answer: Any
            switch params {
            case is CreateImportParams, is FinishUploadParams: answer = Self.made
            case let params as PutImportChunkParams:
                told.withLock { $0.append(params.name) }
                answer = ImportReceived(sizeBytes: params.offset)
            default:
                Issue.record("nobody expects \(method.name)")
                throw .internal("unexpected")
            }
            guard let answer = answer as? Result else { throw .internal("another answer was wanted") }
            return answer
        }

        private static let made: Import = {
            let moment = Timestamp(clampingMicrosecondsSinceEpoch: 1_780_000_000_000_000)
            return Import(
                id: ImportID(UUIDBits(high: 3, low: 1)), state: .receiving, files: [], createdAt: moment,
                updatedAt: moment, rowCount: 0, titleCount: 0, doneCount: 0, isPartial: false)
        }()
    }

    /// A body that has arrived in full.
    private final class Body: EdgeUploadSource {
        private let rest: Mutex<[UInt8]?>

        init(_ text: String) { rest = Mutex(Array(text.utf8)) }

        func next() async throws(RPCError) -> [UInt8]? {
            rest.withLock { rest in
                defer { rest = nil }
                return rest
            }
        }
    }

    private static func name(_ count: Int, of letter: String = "a", _ end: String) -> String {
        String(repeating: letter, count: count) + end
    }

    /// Names as given and as passed on.
    private static let names: [(String, String)] = [
        ("diary.csv", "diary.csv"), (name(251, ".csv"), name(251, ".csv")), (name(252, ".csv"), name(251, ".csv")),
        (name(126, of: "\u{e9}", ".csv"), name(125, of: "\u{e9}", ".csv")),
        ("deleted/" + name(250, "/diary.csv"), name(245, "/diary.csv")),
    ]

    /// The end of a name tells what kind of file it is, and used to be cut off.
    @Test("A file's name that is too long keeps its end, whole letters of it", arguments: names)
    func longName(given: String, kept: String) async throws {
        let head = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"\(given)\"\r\n\r\n"
        let inputs = [
            CreateImportInput(
                upload: EdgeUpload(
                    contentType: "multipart/form-data; boundary=x", source: Body(head + "a,b\r\n--x--\r\n"))),
            CreateImportInput(name: given, upload: EdgeUpload(contentType: "text/csv", source: Body("a,b"))),
        ]
        for input in inputs {
            let scrobble = Scrobble()
            _ = try await CreateImport(scrobble: ScrobbleClient(scrobble))
                .run(input, StandIns.caller, StandIns.request())
            #expect(scrobble.names == [kept])
        }
    }
}
