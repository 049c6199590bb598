package import Contracts

/// A part of a history at Trakt that is read to look for what jobs have created.
package struct TraktReading: Sendable, Hashable {
    /// Whether it reads films or episodes: they are requested separately.
    package let isOfFilms: Bool
    /// The days of the jobs; nil for the whole history, if a play has no date and may be anywhere.
    package let days: ClosedRange<CalendarDate>?

    /// Returns as few readings as show everything the jobs may have created. Jobs of distant days get separate
    /// readings: one across all the years between them would be of the whole history.
    package static func all(for jobs: [QueueJob], now: Timestamp) -> [TraktReading] {
        [true, false].flatMap { isOfFilms in
            all(for: jobs.filter { ($0.kind == .movie) == isOfFilms }, isOfFilms, now)
        }
    }

    private static func all(for jobs: [QueueJob], _ isOfFilms: Bool, _ now: Timestamp) -> [TraktReading] {
        // Nothing identifies an undated play that is to be removed, so only one that was added is looked for.
        let isAnywhere = jobs.contains { $0.payload.watchedAt == nil && $0.action == .addPlay }
        if isAnywhere { return [TraktReading(isOfFilms: isOfFilms, days: nil)] }
        let days = jobs.flatMap { job -> [CalendarDate] in
            // A scrobble is stamped when it arrives.
            let sent = job.action == .stop ? now.advanced(by: .zero - job.state.sinceSent).date : nil
            return [job.payload.watchedAt?.date, sent].compactMap(\.self)
        }
        return ranges(of: days.sorted()).map { TraktReading(isOfFilms: isOfFilms, days: $0) }
    }

    /// Splits the days at the widest gaps.
    private static func ranges(of days: [CalendarDate]) -> [ClosedRange<CalendarDate>] {
        func gap(_ place: Int) -> Int { days[place].daysSinceEpoch - days[place - 1].daysSinceEpoch }
        guard let first = days.first, let last = days.last else { return [] }
        let cuts = days.indices.dropFirst().filter { gap($0) > TraktLimits.readingGapDays }
            .sorted { gap($0) > gap($1) }.prefix(TraktLimits.readingsMax - 1).sorted()
        let starts = [first] + cuts.map { days[$0] }
        let ends = cuts.map { days[$0 - 1] } + [last]
        return zip(starts, ends).map { $0...$1 }
    }
}

/// The rows that jobs remove from a history at Trakt, in one write.
package struct TraktRemoval: Sendable, Hashable {
    /// The rows of each job; nil for one that waits for the next write.
    private let rows: [[Int64]?]

    /// `found` holds the rows that each job means; the last of those that do not fit into one write wait. The first job
    /// always goes.
    package init(_ found: [[Int64]]) {
        var taken: [[Int64]?] = []
        var count = 0
        var isFull = false
        for rows in found {
            // What is behind a waiting job waits too, so that the order is kept.
            isFull = isFull || count > 0 && count + rows.count > TraktLimits.removedAtOnceMax
            taken.append(isFull ? nil : rows)
            if !isFull { count += rows.count }
        }
        rows = taken
    }

    /// Nil if none of the rows is there.
    package var call: TraktCall? {
        let all = rows.compactMap(\.self).flatMap(\.self)
        return all.isEmpty ? nil : TraktCalls.removal(of: all)
    }

    /// Returns each job's share of the reply to the write.
    package func replies(_ reply: JobReply) -> [JobReply] {
        rows.map { rows in
            guard let rows else { return .untried }
            return rows.isEmpty ? .alreadyThere : reply
        }
    }
}
