/// The part of a result that belongs to one call: all of it, or the call's own rows of a result shared by several
/// calls.
@usableFromInline
struct PGAnswer: Sendable {
    private let result: PGResult
    private let shares: PGShares?
    /// The index of the call, from 0.
    private let call: Int

    init(_ result: PGResult) {
        self.result = result
        shares = nil
        call = 0
    }

    init(_ result: PGResult, share call: Int, of shares: PGShares) {
        self.result = result
        self.shares = shares
        self.call = call
    }

    @usableFromInline
    var rowCount: Int { shares?.rows(of: call).count ?? Int(result.rowCount) }

    /// The number of rows inserted, changed, deleted or returned; for a shared result only those returned.
    var affectedCount: Int { shares?.rows(of: call).count ?? result.affectedCount }

    /// `index` must be below `rowCount`.
    @usableFromInline
    func reader(of index: Int) -> PGRowReader {
        guard let shares else { return PGRowReader(result, row: Int32(truncatingIfNeeded: index)) }
        return PGRowReader(result, row: shares.row(index, of: call), column: 1)
    }

    /// Moves `reader`, which must come from this answer, to the row at `index`, which must be below `rowCount`.
    ///
    /// One reader for all rows retains the result once instead of once per row.
    @usableFromInline
    func lead(_ reader: inout PGRowReader, to index: Int) {
        reader.go(to: shares?.row(index, of: call) ?? Int32(truncatingIfNeeded: index))
    }

    /// The whole result, for statements that never share one.
    var whole: PGResult { result }
}

/// Maps the rows of a result shared by several calls to those calls.
final class PGShares: Sendable {
    /// Row numbers, grouped by call.
    private let rows: [Int32]
    /// Where the rows of each call begin in `rows`, followed by the end of the last call's rows.
    private let starts: [Int]

    /// Returns nil if a row does not begin with the number of a call.
    init?(_ result: PGResult, callCount: Int) {
        let rowCount = result.columnCount == 0 ? 0 : result.rowCount
        var calls: [Int] = []
        calls.reserveCapacity(Int(rowCount))
        var starts = [Int](repeating: 0, count: callCount + 1)
        for row in 0..<rowCount {
            let cell = result.cell(row: row, column: 0)
            guard let number = Int64.decode(cell), number >= 1, number <= Int64(callCount) else { return nil }
            calls.append(Int(number) - 1)
            starts[Int(number)] += 1
        }
        for call in 0..<callCount { starts[call + 1] += starts[call] }
        var next = starts
        var rows = [Int32](repeating: 0, count: calls.count)
        for (row, call) in calls.enumerated() {
            rows[next[call]] = Int32(truncatingIfNeeded: row)
            next[call] += 1
        }
        self.rows = rows
        self.starts = starts
    }

    func rows(of call: Int) -> Range<Int> { starts[call]..<starts[call + 1] }
    func row(_ index: Int, of call: Int) -> Int32 { rows[starts[call] + index] }
}
