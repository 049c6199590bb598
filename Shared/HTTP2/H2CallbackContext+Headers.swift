extension H2CallbackContext {
    /// Handles one header field of a message.
    ///
    /// Beyond the limits fields are still counted (the library decodes the whole block, to keep its table in sync), but
    /// no longer stored.
    func receiveHeader(_ id: Int32, name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        guard abuse == nil, let stream = streams[id], stream.phase == .headers || stream.phase == .body else { return }
        stream.headerCount += 1
        stream.headerBytes += name.count + value.count + 32
        guard stream.headerBytes <= limits.headerBytesMax, stream.headerCount <= limits.headerCountMax else {
            stream.headers = []
            return
        }
        // Trailers are counted and dropped: none of our messages has any.
        guard stream.phase == .headers else { return }
        if unsafe name.first == UInt8(ascii: ":") {
            unsafe receivePseudoHeader(stream, name: name, value: value)
        } else {
            if stream.headers.isEmpty { stream.headers.reserveCapacity(8) }
            if name.count == 14, unsafe name.elementsEqual("content-length".utf8) {
                // The library has checked that the value is a number.
                stream.contentLength = unsafe decimal(value)
            }
            let header = unsafe H2Header(text(name), text(value))
            stream.headers.append(header)
        }
    }

    private func receivePseudoHeader(
        _ stream: H2Stream, name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
    ) {
        // The library has checked that the name is allowed here and occurs only once.
        switch unsafe (name.count, name[1]) {
        case (7, UInt8(ascii: "m")): stream.method = unsafe text(value)
        case (5, UInt8(ascii: "p")): stream.path = unsafe text(value)
        case (7, UInt8(ascii: "s")) where role == .client: stream.status = unsafe decimal(value)
        case (7, UInt8(ascii: "s")): stream.scheme = unsafe text(value)
        case (10, UInt8(ascii: "a")): stream.authority = unsafe text(value)
        default: break
        }
    }

    /// Text of up to 15 bytes is stored inline in the `String`; the one longer value that every call has is a constant.
    private func text(_ bytes: UnsafeRawBufferPointer) -> String {
        if bytes.count == 16, unsafe bytes.elementsEqual("application/json".utf8) { return "application/json" }
        return unsafe String(decoding: bytes, as: UTF8.self)
    }

    private func decimal(_ bytes: UnsafeRawBufferPointer) -> Int {
        var number = 0
        for index in 0..<bytes.count {
            let byte = unsafe bytes[index]
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return Int.max }
            let (tens, overflows) = number.multipliedReportingOverflow(by: 10)
            let (sum, exceeds) = tens.addingReportingOverflow(Int(byte) - Int(UInt8(ascii: "0")))
            if overflows || exceeds { return Int.max }
            number = sum
        }
        return number
    }
}
