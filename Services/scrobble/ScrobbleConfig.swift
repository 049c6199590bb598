internal import Assembly
internal import AsyncHTTPClient
internal import Contracts
internal import Cryptography
internal import Logging
internal import NIOCore
internal import Outbound
package import Postgres
internal import RPC
package import Runtime
internal import Store

/// The settings of the scrobble service, and how the service is built from them.
extension ScrobbleService {
    private static let traktURL = ConfigKey<String>.url(
        "REELAY_TRAKT_URL", default: "https://api.trakt.tv", "Base URL of the Trakt API.")
    private static let traktClientID = ConfigKey<Secret?>.optionalSecret(
        "REELAY_TRAKT_CLIENT_ID", "Client id of your Trakt application; without it Trakt is off.")

    private static let simklURL = ConfigKey<String>.url(
        "REELAY_SIMKL_URL", default: "https://api.simkl.com", "Base URL of the Simkl API.")
    private static let simklSiteURL = ConfigKey<String>.url(
        "REELAY_SIMKL_SITE_URL", default: "https://simkl.com",
        "Site where people authorise the connection to Simkl; not the URL of its API.")
    private static let simklClientID = ConfigKey<Secret?>.optionalSecret(
        "REELAY_SIMKL_CLIENT_ID", "Client id of your Simkl application; without it Simkl is off.")
    private static let simklClientSecret = ConfigKey<Secret?>.optionalSecret(
        "REELAY_SIMKL_CLIENT_SECRET",
        "Client secret of your Simkl application; needed only to renew tokens of a confidential (V2) application.")
    private static let scratchFolder = ConfigKey<String>.text(
        "REELAY_SCRATCH_FOLDER", default: "/tmp",
        "Folder for files unpacked during an import; nothing stays in it.")
    private static let undoDays = ConfigKey<Int>.integer(
        "REELAY_UNDO_DAYS", default: 180, in: 1...3_650,
        "How many days a bulk change can be undone; after that the earlier values are deleted.")
    private static let traktAuthURL = ConfigKey<String>.url(
        "REELAY_TRAKT_AUTH_URL", default: "https://auth.trakt.tv",
        "Base URL of Trakt's sign-in page and tokens (OAuth); not the URL of its API.")
    private static let traktClientSecret = ConfigKey<Secret?>.optionalSecret(
        "REELAY_TRAKT_CLIENT_SECRET",
        "Client secret of your Trakt application; needed only to connect with a code on another device.")

    package static let definition = ServiceDefinition(
        name: "scrobble", portDefault: 7_103,
        keys: ServiceAssembly.keys + [
            SharedKeys.metadataAddress.definition, SharedKeys.ratingsAddress.definition,
            SharedKeys.keyRing.definition, SharedKeys.publicURL.definition, traktURL.definition,
            traktClientID.definition, traktAuthURL.definition, traktClientSecret.definition, scratchFolder.definition,
            undoDays.definition, OutboundGuard.networks.definition,
            simklURL.definition, simklSiteURL.definition, simklClientID.definition, simklClientSecret.definition,
        ], commands: [RotateKeys.command, Requeue.command]
    ) { (values, runtime) async throws(StartupError) in
        let assembly = try ServiceAssembly(values, runtime)
        let metadata = MetadataClient(try assembly.client("metadata", at: SharedKeys.metadataAddress))
        let ratings = RatingsClient(try assembly.client("ratings", at: SharedKeys.ratingsAddress))
        let database = try await assembly.database(schema: "scrobble", migrations: migrations)
        let clock = await assembly.clock(of: database)
        let ids = SystemIDSource(clock: clock)
        let logger = runtime.logger
        let titles = TitleLookup(metadata: metadata)
        let plays = LedgerStore(database: database, ids: ids)
        let connections = ConnectionStore(database: database, sealer: Sealer(try keyRing(values)))
        let client = try outbound(values, runtime, assembly)
        let telemetry = QueueTelemetry(logger: logger, exporter: runtime.exporter)
        let work = WorkTelemetry(logger: logger)
        let trakt = trakt(values, runtime, client, telemetry.calls(to: .trakt))
        let simkl = simkl(values, runtime, database, client, telemetry.calls(to: .simkl))
        var writers: [SyncProvider: any RemoteWriter] = [:]
        if let trakt {
            writers[.trakt] = TracedWriter(
                TraktWriter(
                    http: trakt, titles: { await titles.ids(of: $0) },
                    tokens: TokenKeeper(
                        store: connections, issuer: TraktIssuer(http: trakt, clock: clock), clock: clock,
                        tell: work.refreshed(at: .trakt)),
                    allowance: SyncStore(database: database, ids: ids), clock: clock)
            ) { telemetry.tell($0) }
        }
        if let simkl {
            writers[.simkl] = TracedWriter(
                SimklWriter(
                    http: simkl, titles: { await titles.queries(of: $0) },
                    standing: { try? await plays.standing(behind: $1, of: $0, until: .now + .seconds(5)) },
                    mirror: SimklMirrorStore(database: database),
                    tokens: TokenKeeper(
                        store: connections, issuer: SimklIssuer(http: simkl, clock: clock), clock: clock,
                        tell: work.refreshed(at: .simkl)), clock: clock)
            ) { telemetry.tell($0) }
        }
        let events = EventBell()
        let jobs = QueueStore(database: database)
        let queue = QueueWorker(
            id: ids.next(), store: jobs, writers: writers, observe: { telemetry.tell($0) }, onNews: events.ring)
        assembly.add(.running("queue metrics", phase: .background) { await telemetry.watch(jobs) })
        assembly.add(
            .running("queue", phase: .claiming, stopLimit: .seconds(30)) {
                await queue.run()
            } stop: {
                await queue.drain()
            })
        let sittings = SittingKeeper(
            store: PlaybackStore(database: database, ids: ids), queue: queue, clock: clock, logger: logger)
        assembly.add(.running("sittings", phase: .background) { await sittings.run() })
        let hookStore = HookStore(database: database, ids: ids)
        let hooks = HookWorker(
            store: hookStore, playback: PlaybackStore(database: database, ids: ids),
            metadata: metadata, queue: queue, clock: clock, logger: logger)
        assembly.add(.running("hooks", phase: .background) { await hooks.run() })
        let housekeeper = Housekeeper(
            id: ids.next(), turns: jobs, events: EventStore(database: database), hooks: hookStore,
            keys: KeyStore(database: database), batches: BatchStore(database: database, ids: ids),
            imports: ImportStore(database: database), watch: WatchStore(database: database),
            undoLife: .seconds(values[undoDays] * 86_400), clock: clock,
            logger: logger)
        assembly.add(.running("housekeeping", phase: .background) { await housekeeper.run() })
        // Callers waiting for events get their answer before the listener waits for them to finish.
        assembly.add(.stopping("events", phase: .claiming) { events.drain() })
        let keeper = ledgerKeeper(metadata, ratings, database, clock, ids, logger)
        assembly.add(.running("ledger", phase: .background) { await keeper.run() })
        let imports = ImportWorker.Tools(
            database: database, metadata: metadata, ratings: ratings, scratchFolder: values[scratchFolder],
            clock: clock, ids: ids)
        let importer = ImportWorker(imports) { point in work.tell(point) }
        assembly.add(.running("imports", phase: .background) { await importer.run() })
        let syncs = SyncStore(database: database, ids: ids)
        var readers: [SyncProvider: any RemoteReader] = [:]
        if let trakt {
            let tokens = TokenKeeper(
                store: connections, issuer: TraktIssuer(http: trakt, clock: clock), clock: clock,
                tell: work.refreshed(at: .trakt))
            readers[.trakt] = TraktReader(http: trakt, tokens: tokens, allowance: syncs, clock: clock)
        }
        if let simkl {
            let tokens = TokenKeeper(
                store: connections, issuer: SimklIssuer(http: simkl, clock: clock), clock: clock,
                tell: work.refreshed(at: .simkl))
            readers[.simkl] = SimklReader(
                http: simkl, tokens: tokens, mirror: SimklMirrorStore(database: database), allowance: syncs,
                clock: clock)
        }
        var syncWorker: SyncWorker?
        if !readers.isEmpty {
            let worker = SyncWorker(
                store: syncs, connections: connections, ledger: LedgerStore(database: database, ids: ids),
                shelves: ShelfStore(database: database), batches: BatchStore(database: database, ids: ids),
                queue: queue, readers: readers,
                neighbours: WireNeighbours(ratings: ratings, metadata: metadata), clock: clock, ids: ids,
                tell: { work.tell($0, $1) })
            assembly.add(.running("syncs", phase: .background) { await worker.run() })
            syncWorker = worker
        }
        let service = ScrobbleService(
            database: database, peers: ScrobblePeers(metadata: metadata, ratings: ratings), queue: queue, hooks: hooks,
            secrets: HookSecrets(seed: values[SharedKeys.serviceSecret]), events: events, imports: imports,
            importer: importer, connections: connections,
            trakt: trakt.map { TraktAccount(store: connections, http: $0, clock: clock, ids: ids) },
            simkl: simkl.map { SimklAccount(store: connections, http: $0, clock: clock, ids: ids) }, syncs: syncs,
            syncWorker: syncWorker, clock: clock, ids: ids)
        var router = RPCRouter()
        ScrobbleRoutes.register(service, on: &router)
        try await assembly.listen(router)
        return assembly.components
    }

    private static func ledgerKeeper(
        _ metadata: MetadataClient, _ ratings: RatingsClient, _ database: Database, _ clock: any WallClock,
        _ ids: any IDSource, _ logger: Logger
    ) -> LedgerKeeper {
        let refs = TitleRefStore(database: database)
        return LedgerKeeper(
            metadata: metadata, ratings: ratings, refs: refs,
            guide: EpisodeGuide(metadata: metadata, refs: refs, clock: clock), turns: QueueStore(database: database),
            undoing: BatchUndo(
                batches: BatchStore(database: database, ids: ids), ratings: ratings,
                syncs: SyncUndo(store: SyncStore(database: database, ids: ids), clock: clock, ids: ids), clock: clock),
            worker: ids.next(), clock: clock, logger: logger)
    }

    static func keyRing(_ values: ConfigValues) throws(StartupError) -> KeyRing {
        do throws(KeyRingError) {
            return try KeyRing(parsing: values[SharedKeys.keyRing])
        } catch {
            throw .setting(SharedKeys.keyRing.name, error.description)
        }
    }

    private static func outbound(
        _ values: ConfigValues, _ runtime: ServiceRuntime, _ assembly: ServiceAssembly
    ) throws(StartupError) -> HTTPClient {
        var configuration = OutboundHTTP.configuration()
        try OutboundGuard(values, runtime).protect(&configuration)
        let client = HTTPClient(eventLoopGroup: runtime.group, configuration: configuration)
        assembly.add(.stopping("outbound http", phase: .resources) { try? await client.shutdown() })
        return client
    }

    /// Simkl, set up in the same way.
    private static func simkl(
        _ values: ConfigValues, _ runtime: ServiceRuntime, _ database: Database, _ client: HTTPClient,
        _ observe: @escaping UpstreamSink
    ) -> SimklHTTP? {
        values[simklClientID].map { clientID in
            SimklHTTP(
                settings: SimklHTTP.Settings(
                    url: values[simklURL], siteURL: values[simklSiteURL],
                    redirectURI: values[SharedKeys.publicURL] + "/oauth/simkl/callback", clientID: clientID,
                    clientSecret: values[simklClientSecret],
                    version: runtime.version), holds: HoldStore(database: database), client: client, observe: observe)
        }
    }

    /// Trakt, if this installation has an application there; otherwise its jobs wait.
    private static func trakt(
        _ values: ConfigValues, _ runtime: ServiceRuntime, _ client: HTTPClient, _ observe: @escaping UpstreamSink
    ) -> TraktHTTP? {
        guard let clientID = values[traktClientID] else { return nil }
        let settings = TraktHTTP.Settings(
            url: values[traktURL], authURL: values[traktAuthURL], clientID: clientID,
            clientSecret: values[traktClientSecret], userAgent: "Reelay/\(runtime.version)",
            redirectURI: values[SharedKeys.publicURL] + "/oauth/trakt/callback")
        return TraktHTTP(settings: settings, client: client, observe: observe)
    }

    package static let migrations = [
        Migration(1, "plays", sql: PackageResources._001_plays_sql),
        Migration(2, "deleted_people", sql: PackageResources._002_deleted_people_sql),
        Migration(3, "queue", sql: PackageResources._003_queue_sql),
        Migration(4, "playback", sql: PackageResources._004_playback_sql),
        Migration(5, "ledger", sql: PackageResources._005_ledger_sql),
        Migration(6, "hooks", sql: PackageResources._006_hooks_sql),
        Migration(7, "events", sql: PackageResources._007_events_sql),
        Migration(8, "ledger_items", sql: PackageResources._008_ledger_items_sql),
        Migration(9, "fingerprints", sql: PackageResources._009_fingerprints_sql),
        Migration(10, "imports", sql: PackageResources._010_imports_sql),
        Migration(11, "connections", sql: PackageResources._011_connections_sql),
        Migration(12, "sync", sql: PackageResources._012_sync_sql),
        Migration(13, "keys_and_old_batches", sql: PackageResources._013_keys_and_old_batches_sql),
        Migration(14, "progress_events", sql: PackageResources._014_progress_events_sql),
        Migration(15, "merged_titles", sql: PackageResources._015_merged_titles_sql),
        Migration(16, "sync_lists", sql: PackageResources._016_sync_lists_sql),
        Migration(17, "batch_triggers", sql: PackageResources._017_batch_triggers_sql),
        Migration(18, "simkl", sql: PackageResources._018_simkl_sql),
        Migration(19, "pages_by_rows", sql: PackageResources._019_pages_by_rows_sql),
        Migration(20, "resumed_lanes", sql: PackageResources._020_resumed_lanes_sql),
        Migration(21, "known_accounts", sql: PackageResources._021_known_accounts_sql),
        Migration(22, "lane_names", sql: PackageResources._022_lane_names_sql),
        Migration(23, "told_plays", sql: PackageResources._023_told_plays_sql),
        Migration(24, "wish_statuses", sql: PackageResources._024_wish_statuses_sql),
        Migration(25, "batch_writers", sql: PackageResources._025_batch_writers_sql),
        Migration(26, "import_verdicts", sql: PackageResources._026_import_verdicts_sql),
        Migration(27, "rows_by_the_thousand", sql: PackageResources._027_rows_by_the_thousand_sql),
        Migration(28, "provider_holds", sql: PackageResources._028_provider_holds_sql),
        Migration(29, "sitting_runtimes", sql: PackageResources._029_sitting_runtimes_sql),
        Migration(30, "facet_stops", sql: PackageResources._030_facet_stops_sql),
        Migration(31, "rating_versions", sql: PackageResources._031_rating_versions_sql),
        Migration(32, "told_notes", sql: PackageResources._032_told_notes_sql),
        Migration(33, "import_spans", sql: PackageResources._033_import_spans_sql),
        Migration(34, "whole_spans", sql: PackageResources._034_whole_spans_sql),
        Migration(35, "parts_of_notes", sql: PackageResources._035_parts_of_notes_sql),
        Migration(36, "check_ins", sql: PackageResources._036_check_ins_sql),
        Migration(37, "state_changes", sql: PackageResources._037_state_changes_sql),
    ]
}
