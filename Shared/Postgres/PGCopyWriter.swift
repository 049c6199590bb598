/// Encodes rows for a binary COPY and sends them in bounded chunks.
package struct PGCopyWriter: ~Copyable {
    private let lease: PGLease
    private let deadline: ContinuousClock.Instant
    private var buffer: [UInt8]

    init(lease: PGLease, deadline: ContinuousClock.Instant) {
        self.lease = lease
        self.deadline = deadline
        // Signature, flags, length of the header extension (PostgreSQL manual, COPY, "Binary Format").
        buffer = Array("PGCOPY\n".utf8) + [0xff, 0x0d, 0x0a, 0x00] + [UInt8](repeating: 0, count: 8)
    }

    /// Writes one row, its values in the order of the statement's columns; suspends while Postgres takes the previous
    /// chunk. Throws `invalidParameter` for `.inferred`, which has no binary form.
    package mutating func write(_ values: [PGValue]) async throws(PGError) {
        let row = try PGParameters(values, bytesMax: lease.limits.parameterBytesMax)
        PGWire.append(Int16(truncatingIfNeeded: row.fields.count), &buffer)
        for field in row.fields {
            guard field.isBinary else { throw PGError(.invalidParameter, "COPY needs typed values") }
            PGWire.append(Int32(truncatingIfNeeded: field.length), &buffer)
            if field.length > 0 { buffer += row.bytes[field.offset..<field.offset + field.length] }
        }
        if buffer.count >= lease.limits.copyChunkBytesMax { try await flush() }
    }

    mutating func finish() async throws(PGError) {
        PGWire.append(Int16(-1), &buffer)
        try await flush()
    }

    private mutating func flush() async throws(PGError) {
        let chunk = buffer
        buffer = []
        buffer.reserveCapacity(chunk.count)
        _ = try await lease.copy(.data(chunk), deadline: deadline)
    }
}
