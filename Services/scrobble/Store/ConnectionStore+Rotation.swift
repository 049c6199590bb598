import Contracts
import Cryptography
import Postgres
package import Store

/// The limits of re-encryption.
enum RotationLimits {
    /// Rows per page.
    static let pageRows = 250
    static let pageTimeout = Duration.seconds(30)
    /// Passes over the tables; what was written in the meantime under another key is found by the next one.
    static let passesMax = 3
}

extension ConnectionStore {
    /// The result of a re-encryption.
    package struct Rotation: Sendable, Hashable {
        /// The id of the writing key.
        package let key: String
        /// The number of values re-encrypted under it.
        package var resealed = 0
        /// The number of values that no key of the ring decrypts; they stay as they are.
        package var unreadable = 0
        /// The number of values under another key, including the unreadable ones.
        package var left = 0
    }

    /// Re-encrypts every value that is not under the writing key, one page at a time, while the service runs: a value
    /// that changes in the meantime is left to whoever changed it. May be interrupted at any point and started again.
    package func reseal() async throws(StoreError) -> Rotation {
        var rotation = Rotation(key: sealer.writerID)
        for _ in 0..<RotationLimits.passesMax {
            let before = rotation.resealed
            rotation.unreadable = 0
            try await resealTokens(&rotation)
            try await resealFlows(&rotation)
            rotation.left =
                try await database.rows(
                    RotationQueries.left, [.bytea(sealer.writerPrefix)], until: Self.pageDeadline
                ).first ?? 0
            if rotation.left <= rotation.unreadable || rotation.resealed == before { break }
        }
        return rotation
    }

    private static var pageDeadline: ContinuousClock.Instant { .now.advanced(by: RotationLimits.pageTimeout) }

    /// The value under the writing key; nil if it is already, or if no key decrypts it.
    private func resealed(_ sealed: [UInt8]?, _ place: SealContext, _ rotation: inout Rotation) -> [UInt8]? {
        guard let sealed else { return nil }
        do throws(SealError) {
            return try sealer.reseal(sealed, in: place)
        } catch {
            rotation.unreadable += 1
            return nil
        }
    }

    private func resealTokens(_ rotation: inout Rotation) async throws(StoreError) {
        var place: (user: UserID, provider: String) = (UserID(UUIDBits(high: 0, low: 0)), "")
        while true {
            let page = try await database.rows(
                RotationQueries.connections,
                [
                    .id(place.user), .text(place.provider), .bytea(sealer.writerPrefix),
                    .int(RotationLimits.pageRows),
                ], until: Self.pageDeadline)
            guard let last = page.last else { return }
            place = (last.lane.user, last.lane.provider.rawValue)
            var fresh: [(row: SealedPair, access: [UInt8]?, refresh: [UInt8]?)] = []
            for row in page {
                let access = resealed(row.access, Self.place("access_token_encrypted", row.lane), &rotation)
                let refresh = resealed(row.refresh, Self.place("refresh_token_encrypted", row.lane), &rotation)
                if access != nil || refresh != nil { fresh.append((row, access, refresh)) }
            }
            guard !fresh.isEmpty else { continue }
            let written = try await database.rows(
                RotationQueries.replaceTokens,
                [
                    .ids(fresh.map(\.row.lane.user)), .textArray(fresh.map(\.row.lane.provider.rawValue)),
                    .byteaArray(fresh.map(\.row.access)), .byteaArray(fresh.map(\.row.refresh)),
                    .byteaArray(fresh.map(\.access)), .byteaArray(fresh.map(\.refresh)),
                ], until: Self.pageDeadline)
            rotation.resealed += written.reduce(0, +)
        }
    }

    private func resealFlows(_ rotation: inout Rotation) async throws(StoreError) {
        let nothing = UUIDBits(high: 0, low: 0)
        var place = (user: UserID(nothing), id: FlowID(nothing))
        while true {
            let page = try await database.rows(
                RotationQueries.flows,
                [
                    .id(place.user), .id(place.id), .bytea(sealer.writerPrefix), .int(RotationLimits.pageRows),
                ], until: Self.pageDeadline)
            guard let last = page.last else { return }
            place = (last.lane.user, last.id)
            var fresh: [(row: SealedFlow, secret: [UInt8])] = []
            for row in page {
                guard let secret = resealed(row.secret, Self.place(of: row.id, row.lane), &rotation) else { continue }
                fresh.append((row, secret))
            }
            guard !fresh.isEmpty else { continue }
            let written = try await database.rows(
                RotationQueries.replaceFlows,
                [
                    .ids(fresh.map(\.row.lane.user)), .ids(fresh.map(\.row.id)), .byteaArray(fresh.map(\.row.secret)),
                    .byteaArray(fresh.map(\.secret)),
                ], until: Self.pageDeadline)
            rotation.resealed += written.count
        }
    }
}
