package import Cryptography
import JSON

/// A token that a provider gave us.
package struct ProviderToken: Sendable {
    package let text: Secret
    /// Milliseconds since 1970; from then on a new one is fetched.
    package let renewAtMilliseconds: Int64

    package init(text: Secret, renewAtMilliseconds: Int64) {
        self.text = text
        self.renewAtMilliseconds = renewAtMilliseconds
    }
}

/// The token that all calls to one provider share: fetched once however many wait for it, before its life ends, and where the
/// provider refuses the one that is there.
///
/// An actor, since those who come while it is fetched have to sleep until it is there.
package actor ProviderTokens {
    private let fetch: @Sendable () async throws(ProviderError) -> ProviderToken
    private let nowMilliseconds: @Sendable () -> Int64
    private var token: ProviderToken?
    private var isFetching = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    /// Fetches that have ended, and what the last one failed with.
    private var fetchCount = 0
    private var failure: ProviderError?

    package init(
        nowMilliseconds: @escaping @Sendable () -> Int64,
        fetch: @escaping @Sendable () async throws(ProviderError) -> ProviderToken
    ) {
        self.nowMilliseconds = nowMilliseconds
        self.fetch = fetch
    }

    /// The token; fetched anew where there is none, where its life ends, or where it is the one that was refused.
    package func current(refused: Secret? = nil) async throws(ProviderError) -> Secret {
        while true {
            if let token, token.renewAtMilliseconds > nowMilliseconds(), token.text.revealed != refused?.revealed {
                return token.text
            }
            guard isFetching else { return try await renewed() }
            let seen = fetchCount
            await withCheckedContinuation { waiting.append($0) }
            // Whoever fetched may have been cancelled: that is no failure of the others.
            if fetchCount > seen, let failure, failure != .timeout { throw failure }
        }
    }

    private func renewed() async throws(ProviderError) -> Secret {
        isFetching = true
        defer {
            isFetching = false
            fetchCount += 1
            for continuation in waiting { continuation.resume() }
            waiting.removeAll()
        }
        do throws(ProviderError) {
            let fetched = try await fetch()
            token = fetched
            failure = nil
            return fetched.text
        } catch {
            token = nil
            failure = error
            throw error
        }
    }
}

extension ProviderHTTP {
    /// What an address tells, asked with a token. A refused one is replaced once: it may have been withdrawn before its time.
    func json(
        _ address: ProviderAddress, keeping members: JSONSelection, by tokens: ProviderTokens
    ) async throws(ProviderError) -> JSONView {
        let token = try await tokens.current()
        // A token that has ended is no refused key: whether there is one, fetching another tells.
        let told = try await get(address, headers: Self.bearer(token)) {
            (answer) throws(ProviderError) -> JSONView? in
            try answer.status == 401 ? nil : read(answer, keeping: members)
        }
        if let told { return told }
        let renewed = try await tokens.current(refused: token)
        return try await get(address, headers: Self.bearer(renewed)) { (answer) throws(ProviderError) in
            try read(answer, keeping: members)
        }
    }

    private func read(
        _ answer: ProviderHTTPAnswer, keeping members: JSONSelection
    ) throws(ProviderError) -> JSONView {
        if let failure = answer.failure(limits) { throw failure }
        return try answer.json(keeping: members)
    }

    private static func bearer(_ token: Secret) -> [(name: String, value: String)] {
        [(name: "authorization", value: "Bearer \(token.revealed)")]
    }
}
