import Contracts
import Cryptography
import JSON
import RPC
import Testing

@testable import GatewayService

/// The page that presents the API to people.
@Suite struct ReferencePageTests {
    @Test("The page shows every operation and every type of the document, each where links lead to")
    func complete() throws {
        let html = try ReferencePage.html()
        let document = try decodeJSON(JSONValue.self, from: PublicDocument.openAPI)
        func found(_ pattern: some RegexComponent<(Substring, Substring)>) -> Set<String> {
            Set(html.matches(of: pattern).map { String($0.output.1) })
        }
        let places = found(/<details id="([^"]+)">/)
        let links = found(/href="#([^"]+)"/)
        let codes = found(/<code>([^<]+)<\/code>/)
        var count = 0
        for (path, item) in try #require(document["paths"].object).members {
            #expect(codes.contains(ReferenceText.escaped(path)), "\(path)")
            for (verb, operation) in try #require(item.object).members where verb != "parameters" {
                let id = try #require(operation["operationId"].string)
                #expect(places.contains("op-\(id)") && links.contains("op-\(id)"), "\(id)")
                count += 1
            }
        }
        #expect(count > 150)
        for (name, _) in try #require(document["components"]["schemas"].object).members {
            #expect(places.contains("type-\(name)"), "\(name)")
        }
        #expect(links.subtracting(places).isEmpty)
    }

    @Test("The page loads nothing, and its policy lets only its own style and script run")
    func alone() throws {
        let html = try ReferencePage.html()
        #expect(
            !html.contains("src=") && !html.contains("<link") && !html.contains("@import") && !html.contains("url("))
        #expect(!html.contains(" style=") && html.firstMatch(of: /\son[a-z]+=/) == nil)
        for (tag, directive) in [("style", "style-src"), ("script", "script-src")] {
            let begin = try #require(html.firstRange(of: "<\(tag)>"))
            let end = try #require(html.firstRange(of: "</\(tag)>"))
            let digest = Base64.encode(SHA256.hash(String(html[begin.upperBound..<end.lowerBound])).bytes)
            #expect(ReferencePage.policy.contains("\(directive) 'sha256-\(digest)'"))
            #expect(html.ranges(of: "<\(tag)").count == 1)
        }
        #expect(ReferencePage.policy.hasPrefix("default-src 'none'; "))
    }

    /// If a member's name could come from outside, it could be `__proto__`.
    @Test("Scripts of pages set no member whose name comes from outside, and make nothing of text")
    func scripts() throws {
        for (script, sets) in [(ReferenceText.script, 0), (CallbackPage.script, 1)] {
            #expect(script.matches(of: /\[[^\]"]+\]\s*=[^=]/).count == sets)
            for name in ["__proto__", "prototype", "assign(", "eval(", "Function(", "innerHTML", "document.write"] {
                #expect(!script.contains(name), "\(name)")
            }
        }
        // The one that is set is one of these.
        #expect(CallbackPage.script.contains(#"for (const name of ["code", "state", "iss", "error"])"#))
        #expect(CallbackPage.script.contains("answer[name] = query.get(name)"))
        let pages = try [
            ReferencePage.html(), String(decoding: CallbackPage.response(scriptDigest: "").body, as: UTF8.self),
        ]
        #expect(pages.allSatisfy { $0.ranges(of: "<script").count == 1 })
    }

    @Test("What stands in the document is text on the page, never markup")
    func escaping() throws {
        let document = try decodeJSON(
            JSONValue.self,
            from: Array(
                ##"{"info":{"title":"<b>","version":"\"","description":"a `<i>` b"},"tags":[{"name":"t","description":"&"}],"paths":{"/<x>":{"get":{"operationId":"o","tags":["t"],"summary":"'<s>'","responses":{"200":{"description":"<d>"}}}}},"components":{"schemas":{}}}"##
                    .utf8))
        let html = ReferenceText.page(of: document)
        for text in ["<b>", "<i>", "<x>", "<s>", "<d>"] { #expect(!html.contains(text), "\(text)") }
        #expect(html.contains("a <code>&lt;i&gt;</code> b") && html.contains("&#39;&lt;s&gt;&#39;"))
    }
}
