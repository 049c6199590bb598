/// How a single statement may travel with others.
package enum PGStatementKind: Sendable, Hashable {
    /// Changes nothing: shares a batch with other reads and is run again when its connection breaks.
    case read
    /// Shares a transaction with other writes that wait at the same moment; its row errors stay its own.
    case write
    /// Travels by itself: long reports, and what Postgres refuses inside a transaction block.
    case solo
}

/// The unchanging part of a statement, shared by all its calls.
package final class PGStatementText: Sendable {
    /// For observations and errors, such as "ratings.get".
    package let name: String
    package let sql: String
    package let kind: PGStatementKind
    /// FNV-1a over the text.
    let hash: UInt64

    init(name: String, sql: String, kind: PGStatementKind) {
        self.name = name
        self.sql = sql
        self.kind = kind
        self.hash = sql.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}

/// One SQL text with `$n` parameters and the reading of its rows; prepared once on each connection that runs it.
package struct PGStatement<Row: Sendable>: Sendable {
    package let text: PGStatementText
    let decode: @Sendable (inout PGRowReader) throws(PGError) -> Row

    /// A statement with rows; a read unless `kind` says otherwise.
    package init(
        _ name: String, _ sql: String, kind: PGStatementKind = .read,
        row decode: @escaping @Sendable (inout PGRowReader) throws(PGError) -> Row
    ) {
        text = PGStatementText(name: name, sql: sql, kind: kind)
        self.decode = decode
    }

    /// This statement with its parameters, for `PGPool.execute(together:)`.
    package func bound(_ values: [PGValue]) -> PGBoundStatement { PGBoundStatement(text: text, values: values) }
}

extension PGStatement where Row == Void {
    /// A statement without rows; a write unless `kind` says otherwise.
    package init(_ name: String, _ sql: String, kind: PGStatementKind = .write) {
        self.init(name, sql, kind: kind) { (_: inout PGRowReader) throws(PGError) in }
    }
}

/// A statement without rows.
package typealias PGCommand = PGStatement<Void>

/// A statement together with its parameters.
package struct PGBoundStatement: Sendable {
    let text: PGStatementText
    let values: [PGValue]
}

extension PGStatement {
    /// Rows in the order Postgres sent them; copies everything out of the result.
    func rows(of result: PGResult) throws(PGError) -> [Row] {
        var rows: [Row] = []
        rows.reserveCapacity(Int(result.rowCount))
        for index in 0..<result.rowCount {
            var reader = PGRowReader(result, row: index)
            do {
                rows.append(try decode(&reader))
            } catch {
                throw error.named(text.name)
            }
        }
        return rows
    }
}
