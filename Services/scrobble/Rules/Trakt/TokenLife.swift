package import Contracts

/// When tokens are refreshed, and how long to wait after a failed refresh.
package enum TokenLife {
    /// Returns when a token is due for refresh: after half of its lifetime.
    package static func refreshAt(issuedAt: Timestamp, expiresAt: Timestamp) -> Timestamp {
        issuedAt.advanced(by: issuedAt.duration(to: expiresAt) / 2)
    }

    /// Returns the wait after `tries` consecutive unanswered refreshes: a minute, doubling, at most six hours. The old
    /// refresh token is tried once each time; the first clear answer decides.
    package static func wait(afterTries tries: Int) -> Duration {
        min(TraktLimits.refreshWaitMin * (1 << min(max(tries - 1, 0), 12)), TraktLimits.refreshWaitMax)
    }
}

/// Why a connection is stopped, in words for the person.
package enum ConnectionWords {
    package static func reason(_ state: ConnectionState) -> String? {
        switch state {
        case .disconnected, .connected, .refreshing: nil
        case .needsReauth: "The tokens are no longer valid."
        case .rateLimited: "The other side asked us to wait."
        // This stops a facet; a connection only if an older version of the service met it (`StopQueries.heal`).
        case .accountLimit: "The account there has reached its limit of items of some kind (420)."
        case .vipRequired: "Something that is synced needs a VIP account there (426)."
        case .locked: "The account there is locked or deactivated (423)."
        case .apiKeyRejected: "The application of this installation is not accepted there (403)."
        case .paused: "Paused here."
        }
    }

    package static func remedy(_ state: ConnectionState) -> String? {
        switch state {
        case .disconnected, .connected, .refreshing: nil
        case .needsReauth: "Connect again; nothing that was synced is lost."
        case .rateLimited: "Nothing: it continues by itself."
        case .accountLimit, .vipRequired: "Nothing: everything else continues by itself within minutes."
        case .locked: "Contact that service's support, then resume."
        case .apiKeyRejected:
            "The operator of this installation has to check its client id, and that the application still exists."
        case .paused: "Resume whenever you like."
        }
    }

    /// Returns why one facet is stopped.
    package static func reason(_ facet: SyncFacet, _ cause: StopCause) -> String {
        switch cause {
        case .accountLimit: "The \(name(facet)) there: the account has reached its limit of items (420)."
        case .vipRequired: "The \(name(facet)) there: this needs a VIP account (426)."
        }
    }

    package static func remedy(_ cause: StopCause) -> String {
        switch cause {
        case .accountLimit:
            "Remove something there or upgrade the account, then resume; everything else continues meanwhile."
        case .vipRequired:
            "Upgrade the account, then resume, or switch this off; everything else continues meanwhile."
        }
    }

    private static func name(_ facet: SyncFacet) -> String {
        switch facet {
        case .history: "history"
        case .ratings: "ratings"
        case .watchlist: "watchlist"
        case .collection: "collection"
        case .progress: "playback positions"
        }
    }
}
