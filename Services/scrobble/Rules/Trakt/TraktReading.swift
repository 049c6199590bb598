package import Contracts

/// A part of a history at Trakt that is read to look for what jobs have made.
package struct TraktReading: Sendable, Hashable {
    /// Films or episodes: they are asked for apart.
    package let isOfFilms: Bool
    /// The days of the jobs; nil for all that there is, where a play has no date and may stand anywhere.
    package let days: ClosedRange<CalendarDate>?

    /// As few readings as show everything that the jobs may have made. Jobs of days far from each other have readings of
    /// their own: one over all the years between them would be of the whole history.
    package static func all(for jobs: [QueueJob], now: Timestamp) -> [TraktReading] {
        [true, false].flatMap { isOfFilms in
            all(for: jobs.filter { ($0.kind == .movie) == isOfFilms }, isOfFilms, now)
        }
    }

    private static func all(for jobs: [QueueJob], _ isOfFilms: Bool, _ now: Timestamp) -> [TraktReading] {
        // Of a play without a date that is to go nothing tells which it is; only one that was added is looked for.
        let isAnywhere = jobs.contains { $0.payload.watchedAt == nil && $0.action == .addPlay }
        if isAnywhere { return [TraktReading(isOfFilms: isOfFilms, days: nil)] }
        let days = jobs.flatMap { job -> [CalendarDate] in
            // A scrobble is stamped when it arrives.
            let sent = job.action == .stop ? now.advanced(by: .zero - job.state.sinceSent).date : nil
            return [job.payload.watchedAt?.date, sent].compactMap(\.self)
        }
        return ranges(of: days.sorted()).map { TraktReading(isOfFilms: isOfFilms, days: $0) }
    }

    /// Cut at the widest gaps.
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

/// The rows that jobs take out of a history at Trakt, in one write.
package struct TraktRemoval: Sendable, Hashable {
    /// Of each job; nil for one that waits for the next write.
    private let rows: [[Int64]?]

    /// `found`: the rows that each job means; of those that do not fit into one write the last wait. The first job always
    /// goes.
    package init(_ found: [[Int64]]) {
        var taken: [[Int64]?] = []
        var count = 0
        var isFull = false
        for rows in found {
            // What comes behind one that waits waits too: their order is kept.
            isFull = isFull || count > 0 && count + rows.count > TraktLimits.removedAtOnceMax
            taken.append(isFull ? nil : rows)
            if !isFull { count += rows.count }
        }
        rows = taken
    }

    /// Nil where nothing of it is there.
    package var call: TraktCall? {
        let all = rows.compactMap(\.self).flatMap(\.self)
        return all.isEmpty ? nil : TraktCalls.removal(of: all)
    }

    /// What each job has from the reply to the write.
    package func replies(_ reply: JobReply) -> [JobReply] {
        rows.map { rows in
            guard let rows else { return .untried }
            return rows.isEmpty ? .alreadyThere : reply
        }
    }
}
