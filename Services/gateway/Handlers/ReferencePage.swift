import Contracts
import Cryptography
import Edge
import GZip
import JSON
import RPC
import Synchronization

/// The API reference for people: one page, made of the OpenAPI document when it is asked for first, kept packed. It loads
/// nothing from anywhere, and only its own style and script run.
enum ReferencePage {
    static let path = "/reference"

    /// Bytes of the page, unpacked: 8 MiB.
    static let pageBytesMax = 8_388_608

    /// Outside the contract: people look at it, nobody calls it.
    static var route: EdgeRoute {
        let kept = Kept()
        return .page("reference", path) { request in
            do throws(RPCError) {
                return try kept.answer(to: request)
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
        private let packed = Mutex<[UInt8]?>(nil)

        func answer(to request: EdgeRequest) throws(RPCError) -> EdgeResponse {
            let bytes = try page()
            var headers = [
                (name: "content-type", value: "text/html; charset=utf-8"),
                (name: "content-security-policy", value: ReferencePage.policy),
                (name: "cache-control", value: "no-cache"), (name: "vary", value: "Accept-Encoding"),
            ]
            let accepted = request.headers.filter { $0.name == "accept-encoding" }.map(\.value)
            guard ContentCoding.takesGZip(accepted) else {
                guard let plain = try? GZip.unpacked(bytes, bytesMax: ReferencePage.pageBytesMax) else {
                    throw .internal("the page cannot be unpacked")
                }
                return EdgeResponse(status: 200, headers: headers, body: plain)
            }
            headers.append(("content-encoding", "gzip"))
            return EdgeResponse(status: 200, headers: headers, body: bytes)
        }

        private func page() throws(RPCError) -> [UInt8] {
            if let bytes = packed.withLock(\.self) { return bytes }
            let html = try ReferencePage.html()
            guard let bytes = try? GZip.packed(Array(html.utf8)) else { throw .internal("the page cannot be packed") }
            packed.withLock { $0 = bytes }
            return bytes
        }
    }
}
