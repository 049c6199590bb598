import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import UpstreamEmulators

/// A browser that follows no redirects and shows where it was sent.
struct TraktBrowser: Sendable {
    let client: HTTPClient

    struct Return: Sendable {
        let status: Int
        /// Nil if the remote sent the browser nowhere.
        let address: String?

        func field(_ name: String) -> String? {
            guard let query = address?.split(separator: "?", maxSplits: 1).last else { return nil }
            return AddressText.query(query).first { $0.name == name }?.value
        }
    }

    /// Opens an address as a person who approves.
    func approve(_ url: String, as account: String) async throws -> Return {
        let response = try await client.execute(
            HTTPClientRequest(url: "\(url)&as=\(account)").adding("user-agent", "a browser"), deadline: .distantFuture)
        _ = try await response.body.collect(upTo: 65_536)
        return Return(status: Int(response.status.code), address: response.headers.first(name: "location"))
    }
}

extension HTTPClientRequest {
    func adding(_ name: String, _ value: String) -> HTTPClientRequest {
        var request = self
        request.headers.add(name: name, value: value)
        return request
    }
}
