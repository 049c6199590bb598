internal import CLibpq

/// Owns one `PGresult`, which deinit frees.
@safe final class PGResult: Sendable {
    // SAFETY: libpq never changes a PGresult after handing it over, reading it from several threads is allowed
    // (libpq manual, "Behavior in Threaded Programs"), and only deinit frees it.
    private nonisolated(unsafe) let pointer: OpaquePointer
    let status: ExecStatusType
    let rowCount: Int32
    let columnCount: Int32
    /// The types of the columns; cached, since they are the same for every row.
    private let typeIDs: [UInt32]

    /// Takes ownership of `pointer`.
    init(owning pointer: OpaquePointer) {
        unsafe self.pointer = pointer
        status = unsafe PQresultStatus(pointer)
        rowCount = unsafe PQntuples(pointer)
        let columnCount = unsafe PQnfields(pointer)
        self.columnCount = columnCount
        typeIDs = rowCount == 0 ? [] : (0..<columnCount).map { unsafe PQftype(pointer, $0) }
    }

    deinit { unsafe PQclear(pointer) }

    /// The bytes live as long as this result; both indexes must be in range.
    func cell(row: Int32, column: Int32) -> PGCell {
        let typeID = typeIDs[Int(column)]
        let length = unsafe Int(PQgetlength(pointer, row, column))
        if length == 0, unsafe PQgetisnull(pointer, row, column) != 0 {
            return unsafe PGCell(UnsafeRawBufferPointer(start: nil, count: 0), typeID: typeID, isNull: true)
        }
        let start = unsafe UnsafeRawPointer(PQgetvalue(pointer, row, column))
        return unsafe PGCell(UnsafeRawBufferPointer(start: start, count: length), typeID: typeID, isNull: false)
    }

    var isSuccess: Bool { status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK }

    /// The command tag, such as "COMMIT" or "INSERT 0 1".
    var commandTag: String {
        guard let text = unsafe PQcmdStatus(pointer) else { return "" }
        return unsafe String(cString: text)
    }

    /// The number of rows inserted, changed, deleted or returned; 0 for statements that count nothing.
    var affectedCount: Int {
        guard let text = unsafe PQcmdTuples(pointer) else { return 0 }
        return unsafe Int(String(cString: text)) ?? 0
    }

    /// The error that Postgres, or libpq itself, reported instead of rows.
    func error() -> PGError {
        let sqlState = field(reelay_diag_sqlstate)
        let message = unsafe field(reelay_diag_message) ?? String(cString: PQresultErrorMessage(pointer))
        // An error without SQLSTATE comes from libpq: the connection is gone or out of step.
        guard let sqlState else { return PGError(.connectionLost, message) }
        return PGError(.server, message, sqlState: sqlState, constraint: field(reelay_diag_constraint))
    }

    /// "ERROR", "FATAL", "NOTICE" and so on, untranslated.
    var severity: String { field(reelay_diag_severity) ?? "" }

    private func field(_ code: Int) -> String? {
        guard let text = unsafe PQresultErrorField(pointer, Int32(code)) else { return nil }
        return unsafe String(cString: text)
    }
}
