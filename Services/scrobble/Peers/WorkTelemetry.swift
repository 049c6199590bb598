import Contracts
import Logging
import Metrics

/// Metrics and log lines for background work: token refreshes, sync runs and imports.
final class WorkTelemetry: Sendable {
    private struct Refresh: Hashable {
        let provider: SyncProvider
        let outcome: TokenRefresh
    }

    private struct Run: Hashable {
        let provider: SyncProvider
        let state: SyncRunState
    }

    private let logger: Logger
    private let refreshes: [Refresh: Counter]
    private let runs: [Run: Counter]
    private let importsFailed = Counter(label: "imports_failed_total")
    private let importsResumed = Counter(label: "imports_resumed_total")
    private let importsTroubled = Counter(label: "imports_troubles_total")

    init(logger: Logger) {
        self.logger = logger
        // Each starts at zero: a counter that is first read at one shows no increase.
        var refreshes: [Refresh: Counter] = [:]
        var runs: [Run: Counter] = [:]
        for provider in SyncProvider.allCases {
            for outcome in TokenRefresh.allCases {
                refreshes[Refresh(provider: provider, outcome: outcome)] = Counter(
                    label: "token_refreshes_total",
                    dimensions: [("provider", provider.rawValue), ("outcome", outcome.rawValue)])
            }
            for state in [SyncRunState.done, .held, .failed] {
                runs[Run(provider: provider, state: state)] = Counter(
                    label: "sync_runs_total", dimensions: [("provider", provider.rawValue), ("state", state.rawValue)])
            }
        }
        self.refreshes = refreshes
        self.runs = runs
    }

    /// Returns a closure that counts the outcomes of token refreshes at `provider`.
    func refreshed(at provider: SyncProvider) -> @Sendable (TokenRefresh) -> Void {
        { [refreshes] outcome in refreshes[Refresh(provider: provider, outcome: outcome)]?.increment() }
    }

    /// Counts a sync run that has ended.
    func tell(_ provider: SyncProvider, _ state: SyncRunState) {
        runs[Run(provider: provider, state: state)]?.increment()
    }

    func tell(_ point: ImportWorker.Point) {
        switch point {
        case .claimed(let claim): if claim.isResumed { importsResumed.increment() }
        case .judged, .written, .correcting: break
        case .failed: importsFailed.increment()
        case .troubled(_, let cause):
            importsTroubled.increment()
            logger.warning("import troubled", metadata: ["cause": "\(cause)"])
        }
    }
}
