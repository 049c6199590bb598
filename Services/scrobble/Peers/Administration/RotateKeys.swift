internal import Assembly
internal import Cryptography
internal import Postgres
internal import Runtime
internal import Store

/// The command `rotate-keys`: reseals every token with the first key of the ring. The services keep running; every copy
/// must know the new key beforehand.
enum RotateKeys {
    static let command = ServiceCommand(
        "rotate-keys", "reseals all stored tokens with the first key of the ring; safe to repeat"
    ) { (values, _) async throws(StartupError) in
        try await AuditLog.command("rotate-keys", values) { (event) async throws(StartupError) in
            let sealer = Sealer(try ScrobbleService.keyRing(values))
            let rotation = try await CommandDatabase.use(values, schema: "scrobble") { database throws(StoreError) in
                try await ConnectionStore(database: database, sealer: sealer).reseal()
            }
            event.object = rotation.key
            return "key \(rotation.key): resealed \(rotation.resealed), unreadable \(rotation.unreadable), "
                + "left \(rotation.left)\n"
        }
    }
}
