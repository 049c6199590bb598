import CZlib

/// The reason bytes could not be unpacked.
package enum GZipError: Error, Sendable, Hashable {
    /// They are not a gzip stream, or a damaged or truncated one.
    case damaged
    /// They unpack to more than the bound.
    case tooLarge
}

/// Gzip streams (RFC 1952), with a bound on the unpacked size.
package enum GZip {
    /// Bytes unpacked at a time.
    private static let chunkBytes = 65_536
    /// The largest window, plus 16 for a gzip header (zlib manual).
    private static let windowBits: Int32 = 15 + 16

    /// Whether the bytes begin like a gzip stream.
    package static func isPacked(_ bytes: some Collection<UInt8>) -> Bool { bytes.starts(with: [0x1F, 0x8B]) }

    /// Unpacks one stream to at most `bytesMax` bytes. Anything after the stream is ignored.
    package static func unpacked(_ bytes: [UInt8], bytesMax: Int) throws(GZipError) -> [UInt8] {
        var stream = unsafe z_stream()
        guard
            unsafe inflateInit2_(&stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { throw .damaged }
        defer { unsafe inflateEnd(&stream) }
        var result: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: chunkBytes)
        var input = bytes
        let count = input.count
        var used = 0
        var status = Z_OK
        while status == Z_OK {
            let produced = unsafe input.withUnsafeMutableBufferPointer { source in
                unsafe chunk.withUnsafeMutableBufferPointer { target in
                    // Both buffers outlive the call; zlib keeps no pointer that is used after it.
                    unsafe stream.next_in = unsafe source.baseAddress.map { unsafe $0 + used }
                    unsafe stream.avail_in = UInt32(count - used)
                    unsafe stream.next_out = target.baseAddress
                    unsafe stream.avail_out = UInt32(target.count)
                    status = unsafe inflate(&stream, Z_NO_FLUSH)
                    used = unsafe count - Int(stream.avail_in)
                    return unsafe target.count - Int(stream.avail_out)
                }
            }
            guard status == Z_OK || status == Z_STREAM_END else { throw .damaged }
            // Nothing consumed and nothing produced: the stream is truncated.
            if status == Z_OK, produced == 0, used == count { throw .damaged }
            if result.count + produced > bytesMax { throw .tooLarge }
            result += chunk[..<produced]
        }
        return result
    }

    /// Packs the bytes into a stream.
    package static func packed(_ bytes: [UInt8]) throws(GZipError) -> [UInt8] {
        var stream = unsafe z_stream()
        let isReady = unsafe deflateInit2_(
            &stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard isReady == Z_OK else { throw .damaged }
        defer { unsafe deflateEnd(&stream) }
        var result = [UInt8](repeating: 0, count: Int(unsafe deflateBound(&stream, UInt(bytes.count))))
        var input = bytes
        let status = unsafe input.withUnsafeMutableBufferPointer { source in
            unsafe result.withUnsafeMutableBufferPointer { target in
                unsafe stream.next_in = source.baseAddress
                unsafe stream.avail_in = UInt32(source.count)
                unsafe stream.next_out = target.baseAddress
                unsafe stream.avail_out = UInt32(target.count)
                return unsafe deflate(&stream, Z_FINISH)
            }
        }
        guard status == Z_STREAM_END else { throw .damaged }
        return Array(result[..<Int(unsafe stream.total_out)])
    }
}
