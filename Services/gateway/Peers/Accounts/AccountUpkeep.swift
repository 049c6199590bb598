package import Contracts
package import Logging
internal import Store

/// Periodic maintenance of accounts: writes last uses, deletes what has expired, reseals second factors.
package struct AccountUpkeep: Sendable {
    private let accounts: Accounts
    private let logger: Logger

    package init(accounts: Accounts, logger: Logger) {
        self.accounts = accounts
        self.logger = logger
    }

    /// Runs until its task is cancelled.
    package func run() async {
        var sweptAt = ContinuousClock.now
        while !Task.isCancelled {
            try? await Task.sleep(for: accounts.limits.useFlushInterval)
            await flush()
            guard sweptAt.duration(to: .now) >= accounts.limits.sweepInterval else { continue }
            sweptAt = .now
            await attempt("failed to delete expired rows") { () throws(StoreError) in
                try await accounts.store.sweep(limits: accounts.limits, until: .now.advanced(by: .seconds(30)))
            }
            await resealFactors()
        }
    }

    /// Writes the collected last uses; also called last, at shutdown.
    package func flush() async {
        let uses = accounts.uses.take()
        await attempt("failed to record last uses") { () throws(StoreError) in
            try await accounts.store.note(uses, until: .now.advanced(by: .seconds(5)))
        }
    }

    /// Reseals second factors that an older service secret has sealed; also at the start, so that that secret can be
    /// retired. A copy that does not know the new secret yet may seal another one with the old secret meanwhile.
    package func resealFactors() async {
        await attempt("failed to reseal second factors") { () throws(StoreError) in
            let outcome = try await accounts.factors.reseal(
                pageRows: accounts.limits.resealRowsMax, until: .now.advanced(by: .seconds(30)))
            if outcome.sealed > 0 {
                logger.notice("resealed second factors", metadata: ["count": "\(outcome.sealed)"])
            }
            if outcome.lost > 0 {
                logger.warning("second factors cannot be opened", metadata: ["count": "\(outcome.lost)"])
            }
        }
    }

    /// Learns which tokens are valid, recently used ones first, so that after a start nobody is treated as a stranger
    /// because of others in their network. Returns the moment from which to look next.
    package func learnTokens() async -> Timestamp {
        await learn(since: Timestamp(clampingMicrosecondsSinceEpoch: .min))
    }

    /// Learns new tokens, whichever gateway issued them. Runs until its task is cancelled.
    package func followTokens(since moment: Timestamp) async {
        var since = moment
        while !Task.isCancelled {
            try? await Task.sleep(for: accounts.limits.goodTokensInterval)
            since = await learn(since: since)
        }
    }

    private func learn(since moment: Timestamp) async -> Timestamp {
        let next = accounts.clock.now.advanced(by: .zero - accounts.limits.goodTokensOverlap)
        do throws(StoreError) {
            accounts.callers.learn(
                try await accounts.store.goodTokens(
                    since: moment, at: accounts.clock.now, limits: accounts.limits,
                    until: .now.advanced(by: .seconds(5))))
            return next
        } catch {
            if !Task.isCancelled { logger.warning("failed to learn new tokens", metadata: ["cause": "\(error)"]) }
            return moment
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
