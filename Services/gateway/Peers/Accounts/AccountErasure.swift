package import Contracts
package import Logging
package import RPC
internal import Store

/// A service that stores data of people.
package protocol PersonKeeper: Sendable {
    /// Removes everything of a person, and refuses what arrives late; repeatable.
    func erase(_ person: UserID, _ call: RPCCall) async throws(RPCError)
}

extension RatingsClient: PersonKeeper {
    package func erase(_ person: UserID, _ call: RPCCall) async throws(RPCError) {
        // Much data is deleted in portions; what does not fit into the call's time is continued under another lease.
        while !(try await deletePerson(DeletePersonParams(user: person), call).done) {}
    }
}

extension ScrobbleClient: PersonKeeper {
    package func erase(_ person: UserID, _ call: RPCCall) async throws(RPCError) {
        _ = try await deletePerson(DeletePersonParams(user: person), call)
    }
}

/// Erases what closed accounts have left at other services. An account is claimed under a lease and released once
/// everything is gone, so if a gateway dies over it, the next one continues.
package struct AccountErasure: Sendable {
    private let store: GatewayStore
    private let keepers: [any PersonKeeper]
    private let limits: GatewayLimits
    private let logger: Logger
    private let calls = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// `keepers` are all services that store data of people.
    package init(
        store: GatewayStore, keepers: [any PersonKeeper], limits: GatewayLimits = GatewayLimits(), logger: Logger
    ) {
        self.store = store
        self.keepers = keepers
        self.limits = limits
        self.logger = logger
    }

    /// Signals that there is an account to erase. The rows are authoritative; this only saves the wait.
    func wake() { calls.continuation.yield() }

    /// Runs until its task is cancelled.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                // Continues at once what another gateway has left.
                while !Task.isCancelled {
                    wake()
                    try? await Task.sleep(for: limits.erasureInterval)
                }
            }
            for await _ in calls.stream { await eraseSome() }
            group.cancelAll()
        }
    }

    private func eraseSome() async {
        do {
            let users = try await store.claimErasures(limits: limits, until: .now + limits.erasureLease)
            // One by one, so that an account that cannot be erased does not hold up the others.
            for user in users { await tryToErase(user) }
        } catch {
            logger.warning("failed to erase accounts; will retry", metadata: ["cause": "\(error)"])
        }
    }

    private func tryToErase(_ user: UserID) async {
        do {
            try await erase(user, until: .now + limits.erasureLease)
            logger.notice("erased an account")
        } catch let error as RPCError {
            logger.warning("failed to erase an account; will retry", metadata: ["cause": "\(error.message)"])
        } catch {
            logger.warning("failed to erase an account; will retry", metadata: ["cause": "\(error)"])
        }
    }

    private func erase(_ user: UserID, until deadline: ContinuousClock.Instant) async throws {
        let call = RPCCall(deadline: deadline)
        for keeper in keepers { try await keeper.erase(user, call) }
        try await store.finishErasure(of: user, until: deadline)
    }
}
