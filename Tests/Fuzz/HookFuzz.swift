import Contracts
import JSON

@testable import ScrobbleService

/// Reads any bytes as a request from a media server; whatever is accepted can be queried.
enum HookFuzz {
    private static let receivedAt = "2026-01-01T00:00:00Z"

    static func run(_ bytes: [UInt8]) -> Int32 {
        guard let reading = HookReading(bytes), let at = Timestamp(receivedAt) else { return 0 }
        check(HookReading(bytes) == reading, "the same bytes are read as something else")
        check(!reading.fingerprintSalts(receivedAt: at).isEmpty, "nothing to know it again by")
        _ = reading.isMeantAgain(after: reading)
        guard case .event(let event) = reading.content else { return 0 }
        if let percent = event.progressPercent(runtime: .seconds(3_600)) {
            check((0...100).contains(percent), "\(percent) percent")
        }
        check(
            HookTitles.questions(event.item).allSatisfy { encodeJSON($0).count < 1 << 20 }, "a question beyond bounds")
        _ = PlayerWord(event, receivedAt: at, heardAt: at, runtime: .seconds(3_600))
        return 0
    }
}
