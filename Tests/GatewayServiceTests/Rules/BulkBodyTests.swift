import Contracts
import Edge
import HTTP2
import JSON
import Testing

@testable import GatewayService

/// Bulk writes of the largest size that the public side accepts: the ratings service used to refuse them, as the call
/// that carries them is larger.
@Suite struct BulkBodyTests {
    private static let title = Title(
        id: TitleID(UUIDBits(high: 1, low: 2)), kind: .episode, name: "A", genres: [], externalIds: ExternalIds(),
        externalRatings: [], isLocal: false)

    /// The bytes that a call needs around its params.
    private static let envelopeBytes = 1_024

    /// A body of `count` items whose reviews repeat `piece` until it is as large as a body may be.
    private static func body(_ count: Int, _ piece: String, _ given: String) -> [UInt8] {
        let head = #"{"title":"\#(title.id)",\#(given),"review":""#
        let room = (EdgeLimits().bodyBytesMax - 14) / count - head.utf8.count - 3
        let pieces = min(room, JSONLimits.standard.stringBytesMax) / piece.utf8.count
        let item = head + String(repeating: piece, count: min(pieces, 50_000)) + #""}"#
        return Array((#"{"items":["# + Array(repeating: item, count: count).joined(separator: ",") + "]}").utf8)
    }

    @Test(
        "Whatever body the public side takes, the ratings service takes the call that it becomes",
        arguments: [1, 4, 1_000],
        ["a", "\\b", "\\f", "\\u0001", "\\\"", "\\/", "\\ud83c\\udfac", "\u{7f}", "\u{2028}"])
    func passed(count: Int, piece: String) throws {
        try check(count, piece, #""rating":7,"rated_at":"2020-01-01T00:00:00.5Z""#)
    }

    @Test("Whatever its items say besides")
    func passedWithAll() throws {
        try check(
            1_000, "a",
            #""given":{"value":4.5,"scale":"five_stars"},"spoiler":false,"#
                + #""play":"01920000-0000-7000-8000-000000000603""#)
    }

    private func check(_ count: Int, _ piece: String, _ given: String) throws {
        let body = Self.body(count, piece, given)
        #expect(body.count <= EdgeLimits().bodyBytesMax)
        let items = try decodeJSON(RatingItems.self, from: body).items
        let writes = items.compactMap { RatingWrite($0, of: Self.title) }
        #expect(writes.count == count)
        let call = encodeJSON(
            WriteRatingsParams(user: UserID(UUIDBits(high: 3, low: 4)), items: writes, source: .person))
        #expect(call.count + Self.envelopeBytes <= H2Limits.peers.bodyBytesMax)
        // Nor has a string become longer than the other side accepts.
        #expect(try decodeJSON(WriteRatingsParams.self, from: call).items == writes)
    }
}
