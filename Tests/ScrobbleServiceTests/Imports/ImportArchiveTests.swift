import Archive
import Contracts
import Store
import TestSupport
import Testing

@testable import ScrobbleService

/// The checks on an archive before it is accepted.
@Suite struct ImportArchiveTests {
    private static func archive(_ files: [(name: String, byteCount: Int)]) throws -> [UInt8] {
        var writer = try ArchiveWriter()
        for file in files {
            try writer.begin(file.name)
            try writer.write([UInt8](repeating: 0x20, count: file.byteCount))
        }
        let packed = try writer.finish()
        return try packed.read(at: 0, count: packed.byteCount)
    }

    /// Returns why an archive is refused, or nil if it is accepted.
    private static func refusal(
        _ archive: [UInt8], _ spool: ImportSpool, of user: UserID
    ) async throws -> String? {
        let id = ImportID(SystemIDSource().next())
        let deadline = ImportWorkerTests.deadline()
        _ = try #require(
            try await spool.store.create(id, of: user, timeZone: "UTC", at: SystemWallClock().now, until: deadline))
        _ = try await spool.store.put(archive, at: 0, of: 0, named: "mine.zip", id, of: user, until: deadline)
        let sent = try await spool.store.files(of: id, user, until: deadline)
        do throws(ImportTrouble) {
            _ = try await spool.inspect(sent, of: id, user, until: deadline)
            return nil
        } catch {
            guard case .refused(let why) = error else { throw error }
            return why
        }
    }

    /// Previously, the archive of a large account was refused by the installation that had created it.
    @Test("What an archive unpacks to is counted of what is read of it: beside `reelay.json` that is nothing else")
    func redundant() async throws {
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let tools = ImportWorkerTests.tools(pools[0], StandIns())
            let user = UserID(SystemIDSource().next())
            var limits = ArchiveLimits()
            limits.totalBytesMax = 1_000
            let spool = ImportSpool(store: tools.store, folder: "/tmp", archiveLimits: limits)
            let (history, all) = ("me/watched-history-1.json", "me/reelay.json")
            let tooLarge = "the archive unpacks to more than 200 MiB"
            for (files, expected) in [
                ([(history, 900), (all, 1_000)], nil), ([(history, 1_001), (all, 10)], nil),
                ([(history, 10), (all, 1_001)], tooLarge),
                ([(history, 600), ("me/ratings-movies.json", 401)], tooLarge),
                ([(history, 1_001), ("__MACOSX/reelay.json", 10)], tooLarge),
            ] as [([(name: String, byteCount: Int)], String?)] {
                let found = try await Self.refusal(try Self.archive(files), spool, of: user)
                #expect(found == expected, "\(files)")
            }
        }
    }
}
