import Contracts
import Foundation
import JSON

/// The codecs to measure; throws unless all sides read the same page and each other's output.
struct Codecs {
    struct Work {
        let name: String
        let side: String
        /// Processes one page and returns a number derived from the result, so that no work is optimized away.
        let run: () throws -> Int
    }

    let works: [Work]

    init(page: FoundRatings) throws {
        let bytes = encodeJSON(page)
        let data = Data(bytes)
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        let typed = try decoder.decode(TypedPage.self, from: data)
        let strings = try decoder.decode(StringsPage.self, from: data)
        guard try decodeJSON(FoundRatings.self, from: bytes) == page,
            try decodeJSON(FoundRatings.self, from: Array(encoder.encode(typed))) == page,
            try decodeJSON(FoundRatings.self, from: Array(encoder.encode(strings))) == page
        else { throw BenchError("the codecs disagree about the page") }
        works = [
            Work(name: "encode", side: "ours") { encodeJSON(page).count },
            Work(name: "encode", side: "foundation") { try encoder.encode(typed).count },
            Work(name: "encode", side: "foundation-strings") { try encoder.encode(strings).count },
            Work(name: "decode", side: "ours") { try decodeJSON(FoundRatings.self, from: bytes).ratings.count },
            Work(name: "decode", side: "foundation") { try decoder.decode(TypedPage.self, from: data).ratings.count },
            Work(name: "decode", side: "foundation-strings") {
                try decoder.decode(StringsPage.self, from: data).ratings.count
            },
        ]
    }
}
