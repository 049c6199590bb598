package import Contracts
import Postgres
package import Store

/// Mapping what was read to titles, and the read allowance.
extension SyncStore: ReadAllowance {
    package func titles(
        _ kind: TitleKind, _ numbers: [Int64], at provider: SyncProvider, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [Int64: TitleID] {
        let rows = try await database.rows(
            SyncQueries.titles, [.word(provider), .word(kind), .int8Array(numbers)], until: deadline)
        return Dictionary(rows) { first, _ in first }
    }

    package func putTitles(
        _ kind: TitleKind, _ titles: [Int64: TitleID], at provider: SyncProvider,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        guard !titles.isEmpty else { return }
        let rows = titles.sorted { $0.key < $1.key }
        try await database.run(
            SyncQueries.putTitles,
            [.word(provider), .word(kind), .int8Array(rows.map(\.key)), .ids(rows.map(\.value))], until: deadline)
    }

    package func take(_ lane: LaneKey) async -> Bool {
        let end = ContinuousClock.now + .seconds(30)
        repeat {
            if await isTaken(lane, beyond: 0) { return true }
            do { try await Task.sleep(for: .milliseconds(700)) } catch { return false }
        } while ContinuousClock.now < end
        return false
    }

    package func spend(_ lane: LaneKey) async -> Bool { await isTaken(lane, beyond: limits.readsReserve) }

    private func isTaken(_ lane: LaneKey, beyond reserve: Int) async -> Bool {
        let taken = try? await database.rows(
            SyncQueries.takeRead,
            [.id(lane.user), .word(lane.provider), .double(Double(limits.readsMax)), .double(Double(reserve))],
            until: .now + .seconds(5))
        return taken?.isEmpty == false
    }
}
