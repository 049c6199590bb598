/// How a single statement may be sent together with others.
@usableFromInline
package enum PGStatementKind: Sendable, Hashable {
    /// Changes nothing: shares a batch with other reads and is rerun if its connection breaks.
    case read
    /// Shares a transaction with other writes that wait at the same time; its row errors affect only itself.
    case write
    /// Is sent by itself: long reports, and what Postgres refuses inside a transaction block.
    case solo
}

/// The invariant part of a statement, shared by all its calls.
package final class PGStatementText: Sendable {
    /// The name in observations and errors, such as "ratings.get".
    package let name: String
    package let sql: String
    package let kind: PGStatementKind
    /// The form that serves several waiting calls at once.
    let many: PGManyText?
    /// Whether each call, or group of calls, is a transaction of its own even when sent with others: for statements
    /// that lock rows in an order that a second statement behind them would break.
    let isAlone: Bool
    /// FNV-1a over the text.
    let hash: UInt64

    init(name: String, sql: String, kind: PGStatementKind, many: PGManyText? = nil, isAlone: Bool = false) {
        self.name = name
        self.sql = sql
        self.kind = kind
        self.many = many
        self.isAlone = isAlone
        self.hash = Self.hash(sql)
    }

    fileprivate static func hash(_ sql: String) -> UInt64 {
        sql.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}

/// A form of a statement that serves several calls waiting at the same time.
///
/// It takes the same parameters, each as an array over the calls, such as `unnest($1::uuid[], $2::uuid[]) WITH
/// ORDINALITY`. Its rows begin with the number of the call they belong to, from 1, as `bigint`; the other columns are
/// those of the single form. A form without rows does not report to any call how many rows it affected. If it fails,
/// each of its calls is rerun alone, so an error stays with the call that caused it.
@usableFromInline
package final class PGManyText: Sendable {
    let sql: String
    /// The number of leading parameters that form a key no two calls of one group may share: the later call goes into
    /// another group behind it. 0 if it does not matter.
    let keyCount: Int
    let hash: UInt64

    package init(_ sql: String, keyCount: Int = 0) {
        self.sql = sql
        self.keyCount = keyCount
        hash = PGStatementText.hash(sql)
    }
}

/// An SQL text with `$n` parameters and the decoding of its rows; prepared once on each connection that runs it.
@usableFromInline
package struct PGStatement<Row: Sendable>: Sendable {
    package let text: PGStatementText
    let decode: @Sendable (inout PGRowReader) throws(PGError) -> Row
    private let decodeAll: @Sendable (PGAnswer) throws(PGError) -> [Row]

    /// Creates a statement with rows; a read unless `kind` says otherwise.
    ///
    /// The decoding of all rows is compiled where the statement is created, specialized for its row type.
    @inlinable
    package init(
        _ name: String, _ sql: String, kind: PGStatementKind = .read, many: PGManyText? = nil, isAlone: Bool = false,
        row decode: @escaping @Sendable (inout PGRowReader) throws(PGError) -> Row
    ) {
        self.init(name: name, sql: sql, kind: kind, many: many, isAlone: isAlone, decode: decode) {
            (answer) throws(PGError) -> [Row] in
            let count = answer.rowCount
            if count == 0 { return [] }
            var rows: [Row] = []
            rows.reserveCapacity(count)
            var reader = answer.reader(of: 0)
            for index in 0..<count {
                answer.lead(&reader, to: index)
                rows.append(try decode(&reader))
            }
            return rows
        }
    }

    @usableFromInline
    init(
        name: String, sql: String, kind: PGStatementKind, many: PGManyText?, isAlone: Bool,
        decode: @escaping @Sendable (inout PGRowReader) throws(PGError) -> Row,
        decodeAll: @escaping @Sendable (PGAnswer) throws(PGError) -> [Row]
    ) {
        text = PGStatementText(name: name, sql: sql, kind: kind, many: many, isAlone: isAlone)
        self.decode = decode
        self.decodeAll = decodeAll
    }

    /// Returns this statement with its parameters, for `PGPool.execute(together:)`.
    package func bound(_ values: [PGValue]) -> PGBoundStatement { PGBoundStatement(text: text, values: values) }
}

extension PGStatement where Row == Void {
    /// Creates a statement without rows; a write unless `kind` says otherwise.
    package init(_ name: String, _ sql: String, kind: PGStatementKind = .write, many: PGManyText? = nil) {
        self.init(name, sql, kind: kind, many: many) { (_: inout PGRowReader) throws(PGError) in }
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
    /// Returns the rows in the order Postgres sent them, copied out of the result.
    func rows(of result: PGResult) throws(PGError) -> [Row] { try rows(of: PGAnswer(result)) }

    func rows(of answer: PGAnswer) throws(PGError) -> [Row] {
        do {
            return try decodeAll(answer)
        } catch {
            throw error.named(text.name)
        }
    }

    func firstRow(of answer: PGAnswer) throws(PGError) -> Row? {
        if answer.rowCount == 0 { return nil }
        var reader = answer.reader(of: 0)
        do {
            return try decode(&reader)
        } catch {
            throw error.named(text.name)
        }
    }
}
