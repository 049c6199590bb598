/// How a single statement may travel with others.
@usableFromInline
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
    /// The form that answers several waiting calls at once.
    let many: PGManyText?
    /// Whether each call, or group of calls, is a transaction of its own even where it travels with others: for what locks
    /// rows in an order that a second statement behind it would break.
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

/// One statement for several calls that wait at the same moment.
///
/// It takes the same parameters, each as an array over the calls, such as `unnest($1::uuid[], $2::uuid[]) WITH
/// ORDINALITY`. Its rows begin with the number of the call they belong to, from 1, as `bigint`; the other columns are
/// those of the single form. A form without rows tells no call how many rows it touched. Where it fails, each of
/// its calls runs again alone, so an error stays with the call that caused it.
@usableFromInline
package final class PGManyText: Sendable {
    let sql: String
    /// The first parameters that no two calls of one group may have in common: the later call goes into another group
    /// behind it. 0 where it does not matter.
    let keyCount: Int
    let hash: UInt64

    package init(_ sql: String, keyCount: Int = 0) {
        self.sql = sql
        self.keyCount = keyCount
        hash = PGStatementText.hash(sql)
    }
}

/// One SQL text with `$n` parameters and the reading of its rows; prepared once on each connection that runs it.
@usableFromInline
package struct PGStatement<Row: Sendable>: Sendable {
    package let text: PGStatementText
    let decode: @Sendable (inout PGRowReader) throws(PGError) -> Row
    private let decodeAll: @Sendable (PGAnswer) throws(PGError) -> [Row]

    /// A statement with rows; a read unless `kind` says otherwise.
    ///
    /// The reading of all rows is compiled where the statement is made, for the very type of its rows.
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

    /// This statement with its parameters, for `PGPool.execute(together:)`.
    package func bound(_ values: [PGValue]) -> PGBoundStatement { PGBoundStatement(text: text, values: values) }
}

extension PGStatement where Row == Void {
    /// A statement without rows; a write unless `kind` says otherwise.
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
    /// Rows in the order Postgres sent them; copies everything out of the result.
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
