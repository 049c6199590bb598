import AsyncHTTPClient
import Contracts
import Cryptography
import Store
import UpstreamEmulators

@testable import ScrobbleService

/// Shared helpers for tests against the emulated Trakt.
enum TraktTest {
    static let redirect = "http://127.0.0.1:8080/oauth/trakt/callback"

    static func http(_ upstreams: RunningUpstreams, _ client: HTTPClient) -> TraktHTTP {
        TraktHTTP(
            settings: TraktHTTP.Settings(
                url: upstreams.url(.trakt), authURL: upstreams.url(.trakt) + "/auth",
                clientID: Secret(TraktOAuth.clientID), clientSecret: Secret(TraktOAuth.clientSecret),
                userAgent: "Reelay/test", redirectURI: redirect), client: client)
    }

    /// Connects and enables an account whose access token is the name of the remote account.
    static func connect(_ lane: LaneKey, as account: String, in store: ConnectionStore) async throws {
        let now = SystemWallClock().now
        let tokens = AccountTokens(
            access: Secret(account), refresh: Secret("none"), issuedAt: now,
            expiresAt: now.advanced(by: .seconds(604_800)))
        try await store.connect(lane, tokens, usesSecret: false, until: QueueTest.deadline())
        _ = try await store.confirm(
            lane, RemoteAccount(key: account, name: account), connectedAt: now, until: QueueTest.deadline())
        try await store.change(
            lane, ConnectionStore.Change(isEnabled: true, policies: [.history: FacetPolicy(direction: .both)]), at: now,
            until: QueueTest.deadline())
    }
}

/// An allowance without a limit.
struct FreeReads: ReadAllowance {
    func take(_ lane: LaneKey) async -> Bool { true }
    func spend(_ lane: LaneKey) async -> Bool { true }
}
