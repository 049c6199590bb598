package import Contracts
package import Logging
package import RPC
internal import Store

/// A service that has something of a person.
package protocol PersonKeeper: Sendable {
    /// Removes everything of a person, and refuses what arrives late; repeatable.
    func erase(_ person: UserID, _ call: RPCCall) async throws(RPCError)
}

extension RatingsClient: PersonKeeper {
    package func erase(_ person: UserID, _ call: RPCCall) async throws(RPCError) {
        // Whoever has very much goes portion by portion; what does not fit into the call's time is gone on with under another lease.
        while !(try await deletePerson(DeletePersonParams(user: person), call).done) {}
    }
}

extension ScrobbleClient: PersonKeeper {
    package func erase(_ person: UserID, _ call: RPCCall) async throws(RPCError) {
        _ = try await deletePerson(DeletePersonParams(user: person), call)
    }
}

/// Erases what closed accounts have left with the other services. An account is taken under a lease and let go of when
/// all of it is gone: a gateway that dies over it leaves it to the next one.
package struct AccountErasure: Sendable {
    private let store: GatewayStore
    private let keepers: [any PersonKeeper]
    private let limits: GatewayLimits
    private let logger: Logger
    private let calls = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// `keepers`: every service that has something of a person.
    package init(
        store: GatewayStore, keepers: [any PersonKeeper], limits: GatewayLimits = GatewayLimits(), logger: Logger
    ) {
        self.store = store
        self.keepers = keepers
        self.limits = limits
        self.logger = logger
    }

    /// There is an account to erase; the rows are the truth, this only saves the wait.
    func wake() { calls.continuation.yield() }

    /// Works until it is cancelled.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                // What another gateway has left is gone on with at once.
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
            // Each by itself: one that cannot be erased does not hold the others up.
            for user in users { await tryToErase(user) }
        } catch {
            logger.warning("accounts wait to be erased", metadata: ["cause": "\(error)"])
        }
    }

    private func tryToErase(_ user: UserID) async {
        do {
            try await erase(user, until: .now + limits.erasureLease)
            logger.notice("erased an account")
        } catch let error as RPCError {
            logger.warning("an account waits to be erased", metadata: ["cause": "\(error.message)"])
        } catch {
            logger.warning("an account waits to be erased", metadata: ["cause": "\(error)"])
        }
    }

    private func erase(_ user: UserID, until deadline: ContinuousClock.Instant) async throws {
        let call = RPCCall(deadline: deadline)
        for keeper in keepers { try await keeper.erase(user, call) }
        try await store.finishErasure(of: user, until: deadline)
    }
}
