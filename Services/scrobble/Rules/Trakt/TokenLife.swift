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
        case .needsReauth: "The tokens are worth nothing any more."
        case .rateLimited: "The other side asked us to wait."
        // This stops a facet; a connection only if an older version of the service met it (`StopQueries.heal`).
        case .accountLimit: "The account there has as many items of a kind as it may have (420)."
        case .vipRequired: "The account there lacks what something needs, VIP (426)."
        case .locked: "The account there is locked or deactivated (423)."
        case .apiKeyRejected: "The application of this installation is not accepted there (403)."
        case .paused: "Paused here."
        }
    }

    package static func remedy(_ state: ConnectionState) -> String? {
        switch state {
        case .disconnected, .connected, .refreshing: nil
        case .needsReauth: "Connect again; nothing of what was synced is lost."
        case .rateLimited: "Nothing: it goes on by itself."
        case .accountLimit, .vipRequired: "Nothing: all but what that concerns goes on by itself within minutes."
        case .locked: "Ask the support of the other side, then go on."
        case .apiKeyRejected:
            "Whoever runs this installation checks its client id, and that the application still exists."
        case .paused: "Go on when you like."
        }
    }

    /// Returns why one facet is stopped.
    package static func reason(_ facet: SyncFacet, _ cause: StopCause) -> String {
        switch cause {
        case .accountLimit: "The \(name(facet)) there: the account has as many items as it may have (420)."
        case .vipRequired: "The \(name(facet)) there: the account lacks what this needs, VIP (426)."
        }
    }

    package static func remedy(_ cause: StopCause) -> String {
        switch cause {
        case .accountLimit:
            "Remove something there or upgrade the account, then go on; everything else goes on meanwhile."
        case .vipRequired:
            "Upgrade the account, then go on, or switch this off; everything else goes on meanwhile."
        }
    }

    private static func name(_ facet: SyncFacet) -> String {
        switch facet {
        case .history: "history"
        case .ratings: "ratings"
        case .watchlist: "watchlist"
        case .collection: "collection"
        case .progress: "places where somebody stopped"
        }
    }
}
