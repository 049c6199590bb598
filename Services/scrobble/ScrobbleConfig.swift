internal import Assembly
internal import Contracts
internal import Cryptography
internal import Logging
package import Postgres
internal import RPC
package import Runtime
internal import Store

/// Every setting of the scrobble service, and what it is built from.
extension ScrobbleService {
    package static let definition = ServiceDefinition(
        name: "scrobble", portDefault: 7_103, keys: ServiceAssembly.keys + [SharedKeys.metadataAddress.definition]
    ) { (values, runtime) async throws(StartupError) in
        let assembly = try ServiceAssembly(values, runtime)
        let metadata = try assembly.client("metadata", at: SharedKeys.metadataAddress)
        let database = try await assembly.database(schema: "scrobble", migrations: migrations)
        let (clock, ids) = (SystemWallClock(), SystemIDSource())
        let logger = runtime.logger
        let queue = QueueWorker(id: ids.next(), store: QueueStore(database: database), writers: [:]) { point in
            Self.tell(point, logger)
        }
        assembly.add(
            .running("queue", phase: .claiming, stopLimit: .seconds(30)) {
                await queue.run()
            } stop: {
                await queue.drain()
            })
        let sittings = SittingKeeper(store: PlaybackStore(database: database, ids: ids), queue: queue, clock: clock)
        assembly.add(.running("sittings", phase: .background) { await sittings.run() })
        let service = ScrobbleService(
            database: database, titles: TitleLookup(metadata: MetadataClient(metadata)), queue: queue, clock: clock,
            ids: ids)
        var router = RPCRouter()
        ScrobbleRoutes.register(service, on: &router)
        try await assembly.listen(router)
        return assembly.components
    }

    /// Jobs that were delivered are in the metrics of the calls; what needs somebody's eye is a line.
    private static func tell(_ point: QueuePoint, _ logger: Logger) {
        switch point {
        case .claimed, .answered: break
        case .settled(let settlement):
            for job in settlement.jobs where job.fate.word == "dead" {
                logger.warning(
                    "job given up",
                    metadata: [
                        "provider": "\(settlement.claim.key.provider.rawValue)", "reason": "\(job.fate.reason)",
                    ])
            }
        case .lost(let claim):
            logger.warning("lane lost", metadata: ["provider": "\(claim.key.provider.rawValue)"])
        case .troubled(let cause): logger.warning("queue troubled", metadata: ["cause": "\(cause)"])
        }
    }

    package static let migrations = [
        Migration(1, "plays", sql: PackageResources._001_plays_sql),
        Migration(2, "deleted_people", sql: PackageResources._002_deleted_people_sql),
        Migration(3, "queue", sql: PackageResources._003_queue_sql),
        Migration(4, "playback", sql: PackageResources._004_playback_sql),
        Migration(5, "ledger", sql: PackageResources._005_ledger_sql),
    ]
}
