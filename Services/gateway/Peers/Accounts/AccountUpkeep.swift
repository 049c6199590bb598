package import Contracts
package import Logging
internal import Store

/// What accounts need now and then: last uses written down, what has expired removed, second factors sealed again.
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
            await resealFactors()
        }
    }

    /// Writes down the last uses that were collected; also the last thing before the end.
    package func flush() async {
        let uses = accounts.uses.take()
        await attempt("last uses are not noted") { () throws(StoreError) in
            try await accounts.store.note(uses, until: .now.advanced(by: .seconds(5)))
        }
    }

    /// Seals second factors again that an older service secret has sealed; also at the start, so that it can go. A copy that does
    /// not know the new one yet may seal another one so meanwhile.
    package func resealFactors() async {
        await attempt("second factors are not sealed again") { () throws(StoreError) in
            let outcome = try await accounts.factors.reseal(
                pageRows: accounts.limits.resealRowsMax, until: .now.advanced(by: .seconds(30)))
            if outcome.sealed > 0 {
                logger.notice("second factors were sealed again", metadata: ["count": "\(outcome.sealed)"])
            }
            if outcome.lost > 0 {
                logger.warning("second factors cannot be opened", metadata: ["count": "\(outcome.lost)"])
            }
        }
    }

    /// Learns which tokens are somebody's, those first that were used lately, so that after a start nobody is taken for a
    /// stranger because of others in their network. From when on the next look has to be.
    package func learnTokens() async -> Timestamp {
        await learn(since: Timestamp(clampingMicrosecondsSinceEpoch: .min))
    }

    /// Learns which tokens are new, whichever gateway gave them out. Works until it is cancelled.
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
            if !Task.isCancelled { logger.warning("new tokens are not learnt", metadata: ["cause": "\(error)"]) }
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
