/// An error of one statement or one connection; `message` is for logs and never leaves the process.
@usableFromInline
package struct PGError: Error, Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        /// Postgres refused the statement, for the reason in `sqlState`; nothing of it was applied.
        case server
        /// The connection broke or could not be made; nothing of the statement was applied.
        case connectionLost
        /// The connection broke, or stayed silent, after a write was sent: it may or may not have been applied.
        case outcomeUnknown
        /// The deadline passed; nothing of the statement was applied.
        case deadlineExceeded
        /// The caller's task was cancelled; nothing of the statement was applied.
        case cancelled
        /// Postgres cannot be reached at present: the circuit is open.
        case unavailable
        /// Too many statements are waiting already; see `PGLimits.waitersMax`.
        case overloaded
        /// A row did not have the shape that the statement's decoder expects.
        case decoding
        /// A parameter cannot be expressed in Postgres, or there were too many.
        case invalidParameter
        /// The pool was shut down, or a transaction was used after its end.
        case closed
        /// A migration was changed, is missing, or is newer than this program.
        case migration
        /// The database URL or an option is unusable.
        case configuration
    }

    package let kind: Kind
    /// The five-character SQLSTATE; empty unless Postgres sent the error.
    package let sqlState: String
    /// The violated constraint, if Postgres names one.
    package let constraint: String?
    /// The name of the statement; empty if none was running.
    package internal(set) var statement: String
    package let message: String

    package init(
        _ kind: Kind, _ message: String, sqlState: String = "", constraint: String? = nil, statement: String = ""
    ) {
        self.kind = kind
        self.message = message
        self.sqlState = sqlState
        self.constraint = constraint
        self.statement = statement
    }

    /// Whether the same call can be repeated without harm: nothing was applied and the cause may pass.
    package var isRetryable: Bool {
        switch kind {
        case .connectionLost, .unavailable, .overloaded: true
        case .server: isSerializationFailure || isShutdown || sqlState == "53300" || sqlState == "55P03"
        case .outcomeUnknown, .deadlineExceeded, .cancelled, .decoding, .invalidParameter, .closed, .migration,
            .configuration:
            false
        }
    }

    /// 40001 and 40P01: the transaction lost against another and may be run again from its start.
    package var isSerializationFailure: Bool { sqlState == "40001" || sqlState == "40P01" }
    /// 57P01…57P03: the server is ending this connection or does not accept new ones yet.
    package var isShutdown: Bool { sqlState.hasPrefix("57P") }
    package var isUniqueViolation: Bool { sqlState == "23505" }
    package var isForeignKeyViolation: Bool { sqlState == "23503" }
    /// 57014: a cancel request or `statement_timeout` stopped the statement.
    var isQueryCanceled: Bool { sqlState == "57014" }
    /// The prepared statement is gone or its result type changed: prepare it again.
    var asksForPreparing: Bool { sqlState == "26000" || sqlState == "0A000" }

    func named(_ statement: String) -> PGError {
        var copy = self
        copy.statement = statement
        return copy
    }
}

extension PGError: CustomStringConvertible {
    @usableFromInline
    package var description: String {
        var text = "postgres \(kind)"
        if !sqlState.isEmpty { text += " \(sqlState)" }
        if !statement.isEmpty { text += " in \(statement)" }
        if let constraint { text += " (\(constraint))" }
        return text + ": " + message
    }
}
