import Contracts
import Cryptography
import Edge
import JSON
import RPC
import Synchronization

/// The API reference for people: one page, made from the OpenAPI document on the first request and then kept. It loads
/// nothing, and only its own style and script are allowed.
enum ReferencePage {
    static let path = "/reference"

    /// Not part of the contract: people read it, no client calls it.
    static var route: EdgeRoute {
        let kept = Kept()
        return .page("reference", path) { _ in
            do throws(RPCError) {
                return try kept.answer()
            } catch {
                return .problem(error, trace: .root())
            }
        }
    }

    static func html() throws(RPCError) -> String {
        do throws(JSONError) {
            return ReferenceText.page(of: try decodeJSON(JSONValue.self, from: PublicDocument.openAPI))
        } catch {
            throw .internal("the service failed; its log says why").because("\(error)")
        }
    }

    static var policy: String {
        func digest(_ text: String) -> String { "'sha256-\(Base64.encode(SHA256.hash(text).bytes))'" }
        return
            "default-src 'none'; style-src \(digest(ReferenceText.style)); script-src \(digest(ReferenceText.script)); "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    }

    private final class Kept: Sendable {
        private let page = Mutex<EdgeResponse?>(nil)

        func answer() throws(RPCError) -> EdgeResponse {
            if let known = page.withLock(\.self) { return known }
            var made = EdgeResponse(
                status: 200,
                headers: [
                    (name: "content-type", value: "text/html; charset=utf-8"),
                    (name: "content-security-policy", value: ReferencePage.policy),
                    (name: "cache-control", value: "no-cache"),
                ], body: Array(try ReferencePage.html().utf8))
            made.isFixed = true
            let answer = made
            page.withLock { $0 = answer }
            return answer
        }
    }
}
