import JSON
import MetadataService
import Testing

@Suite("OMDb's failures")
struct OMDbAnswerTests {
    /// 22 November 2026, 17:44:09 UTC, and the following midnight.
    private let now: Int64 = 1_795_369_449_000
    private let midnight: Int64 = 1_795_392_000_000

    @Test("a used-up day and a wrong key, both 401, are told apart")
    func quota() {
        for text in ["Request limit reached!", "Daily request limit reached!"] {
            #expect(
                OMDbAnswer.failure(text, status: 401, nowMilliseconds: now) == .quota(untilMilliseconds: midnight))
            #expect(
                OMDbAnswer.failure(text, status: 200, nowMilliseconds: now) == .quota(untilMilliseconds: midnight))
        }
        for text in ["Invalid API key!", "No API key provided.", ""] {
            #expect(OMDbAnswer.failure(text, status: 401, nowMilliseconds: now) == .unauthorized)
        }
    }

    @Test(
        "what is not there",
        arguments: [
            "Movie not found!", "Series not found!", "Error getting data.", "Incorrect IMDb ID.", "Too many results.",
            "Series or episode not found!",
        ])
    func absent(text: String) {
        #expect(OMDbAnswer.failure(text, status: 200, nowMilliseconds: now) == .notFound)
    }

    @Test("broken records are repaired, sound ones stay as they are")
    func repair() throws {
        let broken =
            "{\"Plot\":\"It\\'s a\tlong \\q line\u{1}\",\"Title\":\"A \\\"b\\\" \\u00e9 \\u12\",\"Response\":\"True\"}"
        let answer = ProviderHTTPAnswer(status: 200, body: Array(broken.utf8))
        let value = try OMDbAnswer.checked(answer, nowMilliseconds: now)
        #expect(value["Plot"].string == "It's a long q line ")
        #expect(value["Title"].string == "A \"b\" é u12")
        let sound = Array("{\"a\":\"x\\n\\\\\\/\\u00e9\"}".utf8)
        #expect(OMDbAnswer.repaired(sound) == sound)
    }

    @Test("a web page is an outage, half a record is malformed")
    func pages() {
        let page = ProviderHTTPAnswer(status: 200, body: Array("\n <!DOCTYPE html>".utf8))
        let cut = ProviderHTTPAnswer(status: 200, body: Array("{\"Title\":\"A".utf8))
        #expect(kind(page) == "unavailable")
        #expect(kind(cut) == "malformed")
    }

    private func kind(_ answer: ProviderHTTPAnswer) -> String {
        do throws(ProviderError) {
            _ = try OMDbAnswer.checked(answer, nowMilliseconds: now)
            return "read"
        } catch {
            return error.label
        }
    }
}

extension ProviderError {
    /// The name of the case, without its associated value.
    var label: String {
        switch self {
        case .notFound: "notFound"
        case .unauthorized: "unauthorized"
        case .quota: "quota"
        case .rateLimited: "rateLimited"
        case .unavailable: "unavailable"
        case .malformed: "malformed"
        case .timeout: "timeout"
        case .busy: "busy"
        case .reserved: "reserved"
        case .resting: "resting"
        }
    }
}
