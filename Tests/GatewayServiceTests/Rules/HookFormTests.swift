import Contracts
import TestSupport
import Testing

@testable import GatewayService

/// The payload of a media server, extracted from the form in which it is sent.
@Suite struct HookFormTests {
    private static func form(_ type: String, _ text: String, isCut: Bool = false) -> HookForm {
        HookForm(EdgeBody(contentType: type, bytes: Array(text.utf8), isCut: isCut))
    }

    private static func multipart(_ parts: [(String, String)], boundary: String = "b-1", closed: Bool = true) -> String
    {
        parts.map { "--\(boundary)\r\nContent-Disposition: form-data; \($0.0)\r\n\r\n\($0.1)\r\n" }.joined()
            + (closed ? "--\(boundary)--\r\n" : "")
    }

    @Test("The part that tells is found in every form that servers use")
    func told() {
        let json = #"{"event":"media.play"}"#
        let picture = (#"name="thumb"; filename="t.jpg""#, "\u{1}\r\n--b-2 no boundary\r\n")
        let plex = Self.multipart([(#"name="payload""#, json), picture])
        #expect(Self.form("multipart/form-data; boundary=b-1", plex) == .told(json))
        #expect(Self.form("Multipart/Form-Data; charset=utf-8; Boundary=\"b-1\"", plex) == .told(json))
        // The picture first, and the picture truncated at the end.
        #expect(
            Self.form("multipart/form-data; boundary=b-1", Self.multipart([picture, ("name=data", json)]))
                == .told(json))
        let open = Self.multipart([(#"name="payload""#, json)], closed: false) + "--b-1\r\nContent-Dispo"
        #expect(Self.form("multipart/form-data; boundary=b-1", open, isCut: true) == .told(json))
        for type in [
            "application/json", "application/json; charset=utf-8", "text/plain", "",
            "application/x-www-form-urlencoded",
        ] {
            #expect(Self.form(type, json) == .told(json), "\(type)")
        }
        #expect(Self.form("application/x-www-form-urlencoded", "x=1&data=%7B%22a%22%3A1%7D") == .told(#"{"a":1}"#))
    }

    @Test("What cannot be read is refused for what it is")
    func failed() {
        let json = #"{"event":"media.play"}"#
        #expect(Self.form("image/jpeg", json) == .failed(.wrongType))
        #expect(Self.form("application/octet-stream", json) == .failed(.wrongType))
        #expect(Self.form("multipart/form-data", json) == .failed(.unreadable))
        #expect(Self.form("multipart/form-data; boundary=b-1", json) == .failed(.unreadable))
        #expect(
            Self.form("multipart/form-data; boundary=b-1", Self.multipart([("name=other", json)]))
                == .failed(.unreadable))
        #expect(Self.form("application/x-www-form-urlencoded", "a=1") == .failed(.unreadable))
        #expect(Self.form("application/json", "") == .failed(.unreadable))
        #expect(Self.form("application/json", json, isCut: true) == .failed(.tooLarge))
        #expect(Self.form("application/json", String(repeating: "x", count: 262_145)) == .failed(.tooLarge))
        #expect(HookForm(EdgeBody(contentType: "text/plain", bytes: [0xff, 0xfe])) == .failed(.unreadable))
        #expect(HookForm(EdgeBody(contentType: "text/plain", bytes: [], isTooLarge: true)) == .failed(.tooLarge))
    }

    @Test("A form that is cut anywhere gives its part whole or not at all")
    func cut() {
        let json = #"{"event":"media.play","x":"\u00e4"}"#
        let bytes = Array(Self.multipart([(#"name="payload""#, json), ("name=thumb", "x")]).utf8)
        for count in 0...bytes.count {
            let form = HookForm(
                EdgeBody(
                    contentType: "multipart/form-data; boundary=b-1", bytes: Array(bytes.prefix(count)),
                    isCut: count < bytes.count))
            #expect(form == .told(json) || form == .failed(.tooLarge), "\(count)")
        }
    }

    @Test("No bytes, in whatever form, end anything")
    func noise() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededRandom(seed: seed)
        let pieces = [
            "--b", "\r\n", "\r\n\r\n", "name=payload", "Content-Disposition: form-data; ", "--", "{}", ";", "=", "\"",
            "\u{0}", "x",
        ]
        for _ in 0..<5_000 {
            let text = (0..<Int(random.next() % 20)).map { _ in pieces[Int(random.next() % UInt64(pieces.count))] }
                .joined()
            _ = Self.form("multipart/form-data; boundary=b", text, isCut: random.next() % 2 == 0)
            _ = Self.form("application/x-www-form-urlencoded", text)
        }
    }
}
