package import Contracts

/// What another side cannot hold, in sentences for the owner of the account.
package enum ConnectionLimits {
    package static func sentences(_ provider: SyncProvider) -> [String] {
        switch provider {
        case .trakt: ["Trakt holds whole ratings from 1 to 10, and times to the minute."]
        case .simkl:
            [
                "Simkl has no library: sync_library and the facet collection do nothing there.",
                "Simkl keeps one date for each film and episode: the latest play is sent, and what is removed there stays here.",
                "Simkl holds whole ratings from 1 to 10, of films and shows only.",
                "Simkl deletes a film's rating when the film leaves its lists. So a film's play that is removed here stays there, and so does a watchlist title that is rated there.",
                "What is being watched or completed at Simkl is not put back on its watchlist; what is completed is not dropped, and a film on hold is planned there.",
            ]
        }
    }
}
