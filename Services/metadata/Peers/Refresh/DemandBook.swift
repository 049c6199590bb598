import Contracts
import Store
import Synchronization

/// Titles that people look at and whose refresh is therefore overdue; collected in memory, because reads do not write.
final class DemandBook: Sendable {
    /// Titles that wait to be written; more are forgotten until they are looked at again.
    static let titlesMax = 10_000

    private let due = Mutex<[TitleID: Timestamp]>([:])
    private let clock: any WallClock

    init(clock: any WallClock) { self.clock = clock }

    /// Notes titles that are looked at; costs nothing for those that are fresh.
    func note(_ titles: some Sequence<Title>) {
        let now = clock.now
        let wanted = titles.filter { Self.isDue($0, now: now) }
        guard !wanted.isEmpty else { return }
        due.withLock { due in
            for title in wanted where due.count < Self.titlesMax { due[title.id] = now }
        }
    }

    /// Returns the titles to be written, in no particular order, and empties the book.
    func take() -> [(title: TitleID, at: Timestamp)] {
        let taken = due.withLock { due in
            defer { due = [:] }
            return due
        }
        return taken.map { ($0.key, $0.value) }
    }

    private static func isDue(_ title: Title, now: Timestamp) -> Bool {
        guard let enrichedAt = title.enrichedAt else { return !title.isLocal }
        let traits = RefreshSchedule.Title(title, isWanted: true)
        let interval = RefreshSchedule.interval(traits, today: now.microsecondsSinceEpoch / 86_400_000_000)
        return enrichedAt.duration(to: now) > .seconds(interval)
    }
}
