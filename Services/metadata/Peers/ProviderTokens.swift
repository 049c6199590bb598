package import Cryptography
import JSON
import Synchronization

/// An access token that a provider issued.
package struct ProviderToken: Sendable {
    package let text: Secret
    /// Milliseconds since 1970; from then on a new token is fetched.
    package let renewAtMilliseconds: Int64

    package init(text: Secret, renewAtMilliseconds: Int64) {
        self.text = text
        self.renewAtMilliseconds = renewAtMilliseconds
    }
}

/// The access token shared by all calls to one provider. It is fetched once however many callers wait for it: before it
/// expires, and when the provider refuses the current one.
package final class ProviderTokens: Sendable {
    private struct State {
        var token: ProviderToken?
        var isFetching = false
        var waiting: [UInt64: CheckedContinuation<Wake, Never>] = [:]
        var nextID: UInt64 = 0
    }

    private enum Step {
        case use(Secret)
        case fetch, wait
    }

    private enum Wake {
        case look
        case fail(ProviderError)
    }

    private let fetch: @Sendable () async throws(ProviderError) -> ProviderToken
    private let nowMilliseconds: @Sendable () -> Int64
    private let state = Mutex(State())

    package init(
        nowMilliseconds: @escaping @Sendable () -> Int64,
        fetch: @escaping @Sendable () async throws(ProviderError) -> ProviderToken
    ) {
        self.nowMilliseconds = nowMilliseconds
        self.fetch = fetch
    }

    /// The number of callers waiting for another to fetch the token.
    var waiterCount: Int { state.withLock { $0.waiting.count } }

    /// Returns the token; fetches a new one if there is none, if it is about to expire, or if it is the one that was
    /// refused.
    ///
    /// A caller whose task is cancelled while another fetches the token throws `busy`.
    package func current(refused: Secret? = nil) async throws(ProviderError) -> Secret {
        while true {
            let now = nowMilliseconds()
            let step = state.withLock { state -> Step in
                if let token = state.token, token.renewAtMilliseconds > now, token.text.revealed != refused?.revealed {
                    return .use(token.text)
                }
                if state.isFetching { return .wait }
                state.isFetching = true
                return .fetch
            }
            switch step {
            case .use(let text): return text
            case .fetch: return try await renewed()
            case .wait:
                if case .fail(let error) = await wait() { throw error }
            }
        }
    }

    private func wait() async -> Wake {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let wake = state.withLock { state -> Wake? in
                    // The handler below may have run before there was anything to remove.
                    if Task.isCancelled { return .fail(.busy) }
                    guard state.isFetching else { return .look }
                    state.waiting[id] = continuation
                    return nil
                }
                if let wake { continuation.resume(returning: wake) }
            }
        } onCancel: {
            let waiter = state.withLock { $0.waiting.removeValue(forKey: id) }
            waiter?.resume(returning: .fail(.busy))
        }
    }

    private func renewed() async throws(ProviderError) -> Secret {
        do throws(ProviderError) {
            let fetched = try await fetch()
            end(fetched, .look)
            return fetched.text
        } catch {
            end(nil, error.holdsForAll ? .fail(error) : .look)
            throw error
        }
    }

    /// Ends the fetch and wakes all who wait for it.
    private func end(_ token: ProviderToken?, _ wake: Wake) {
        let waiting = state.withLock { state in
            state.isFetching = false
            state.token = token
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for waiter in waiting { waiter.resume(returning: wake) }
    }
}

extension ProviderError {
    /// Whether the error holds for every caller. How much time is left, whether the turn comes in time, and which part
    /// of the day's calls is theirs differ between callers: a background call must not fail those that somebody waits
    /// for.
    fileprivate var holdsForAll: Bool {
        switch self {
        case .busy, .reserved, .timeout: false
        case .notFound, .unauthorized, .quota, .rateLimited, .unavailable, .malformed, .resting: true
        }
    }
}

extension ProviderHTTP {
    /// Gets JSON from an address with a token. A refused token is replaced once: it may have been revoked before it
    /// expired.
    func json(
        _ address: ProviderAddress, keeping members: JSONSelection, by tokens: ProviderTokens
    ) async throws(ProviderError) -> JSONView {
        let token = try await tokens.current()
        // An expired token does not mean a refused key; fetching another one shows whether the key is refused.
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
