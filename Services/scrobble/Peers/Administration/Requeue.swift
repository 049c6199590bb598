internal import Assembly
internal import Contracts
internal import Postgres
internal import Runtime
internal import Store

/// The command `requeue PROVIDER`: resends jobs that were given up, once the cause is fixed.
enum Requeue {
    /// The number of jobs requeued in one transaction.
    private static let pageJobs = 200
    private static let pageTimeout = Duration.seconds(30)

    static let command = ServiceCommand(
        "requeue", argument: "PROVIDER",
        "resends what was given up: of \(SyncProvider.allCases.map(\.rawValue).joined(separator: ", ")) or of all"
    ) { (values, name) async throws(StartupError) in
        try await AuditLog.command("requeue", values) { (event) async throws(StartupError) in
            let providers = SyncProvider.allCases.filter { name == "all" || name == $0.rawValue }
            guard !providers.isEmpty else { throw .resource(name, "expected the name of a provider, or all") }
            event.object = name
            let count = try await CommandDatabase.use(values, schema: "scrobble") { database throws(StoreError) in
                try await revive(providers, QueueStore(database: database))
            }
            return "sent again: \(count)\n"
        }
    }

    private static func revive(_ providers: [SyncProvider], _ store: QueueStore) async throws(StoreError) -> Int {
        var count = 0
        while true {
            let page = try await store.revive(
                of: providers, limit: pageJobs, until: .now.advanced(by: pageTimeout))
            guard page > 0 else { break }
            count += page
        }
        if count > 0 { try await store.ring(until: .now.advanced(by: pageTimeout)) }
        return count
    }
}
