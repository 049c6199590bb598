internal import Contracts
package import Logging
internal import Store

/// What accounts need now and then: last uses written down, and what has expired removed.
package struct AccountUpkeep: Sendable {
    private let accounts: Accounts
    private let logger: Logger

    package init(accounts: Accounts, logger: Logger) {
        self.accounts = accounts
        self.logger = logger
    }

    /// Works until it is cancelled.
    package func run() async {
        var sweptAt = ContinuousClock.now
        while !Task.isCancelled {
            try? await Task.sleep(for: accounts.limits.useFlushInterval)
            await flush()
            guard sweptAt.duration(to: .now) >= accounts.limits.sweepInterval else { continue }
            sweptAt = .now
            await attempt("expired rows stay for now") { () throws(StoreError) in
                try await accounts.store.sweep(limits: accounts.limits, until: .now.advanced(by: .seconds(30)))
            }
        }
    }

    /// Writes down the last uses that were collected; also the last thing before the end.
    package func flush() async {
        let uses = accounts.uses.take()
        await attempt("last uses are not noted") { () throws(StoreError) in
            try await accounts.store.note(uses, until: .now.advanced(by: .seconds(5)))
        }
    }

    private func attempt(_ complaint: Logger.Message, _ work: () async throws(StoreError) -> Void) async {
        do {
            try await work()
        } catch {
            logger.warning(complaint, metadata: ["cause": "\(error)"])
        }
    }
}
