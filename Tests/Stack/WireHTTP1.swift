import Foundation

/// HTTP/1.1 over a socket, strict about what counts as an answer.
enum WireHTTP1 {
    /// Sends the request and reads its answer, on a separate thread.
    static func exchange(_ request: Wire.Request) async throws -> Wire.Answer {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try run(request) }) }
        }
    }

    private static func run(_ request: Wire.Request) throws -> Wire.Answer {
        let deadline = ContinuousClock.now.advanced(by: Wire.patience)
        let descriptor = try connected(to: request)
        defer { close(descriptor) }
        var rest = bytes(of: request)[...]
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while ContinuousClock.now < deadline {
            // The answer may arrive, and the connection close, before the whole request has been sent.
            var entry = pollfd(fd: descriptor, events: Int16(rest.isEmpty ? POLLIN : POLLIN | POLLOUT), revents: 0)
            guard poll(&entry, 1, 1_000) > 0 else { continue }
            if entry.revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 {
                let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
                if count < 0, errno == EAGAIN || errno == EINTR { continue }
                received += buffer[..<max(count, 0)]
                if let answer = try answer(in: received, isEnd: count <= 0, to: request.method) { return answer }
            } else if entry.revents & Int16(POLLOUT) != 0 {
                let count = rest.withUnsafeBytes {
                    send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
                }
                // If the other side accepts no more, only its answer is left to come.
                if count > 0 { rest = rest.dropFirst(count) } else if errno != EAGAIN { rest = [] }
            }
        }
        throw StackError("\(request.method) \(request.target): no answer within \(Wire.patience)")
    }

    private static func connected(to request: Wire.Request) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw StackError("no socket: \(errno)") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(clamping: request.port).bigEndian
        let isAddress = inet_pton(AF_INET, request.host, &address.sin_addr) == 1
        let isConnected =
            isAddress
            && withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                    connect(descriptor, generic, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
        guard isConnected else {
            defer { close(descriptor) }
            throw StackError("no connection to \(request.host):\(request.port): \(errno)")
        }
        return descriptor
    }

    private static func bytes(of request: Wire.Request) -> [UInt8] {
        var head = "\(request.method) \(request.target) HTTP/1.1\r\n"
        let fixed = ["host": "\(request.host):\(request.port)", "accept": "*/*", "connection": "close"]
        for (name, value) in fixed.merging(request.headers, uniquingKeysWith: { $1 }) {
            head += "\(name): \(value)\r\n"
        }
        if let body = request.body { head += "content-length: \(body.count)\r\n" }
        return Array((head + "\r\n").utf8) + (request.body ?? [])
    }

    /// The answer, or nil until all of it has arrived; throws if it is malformed.
    private static func answer(in bytes: [UInt8], isEnd: Bool, to method: String) throws -> Wire.Answer? {
        func fault(_ what: String) -> StackError { StackError("\(what): \(String(decoding: bytes, as: UTF8.self))") }
        let blank = Array("\r\n\r\n".utf8)
        guard let end = bytes.indices.first(where: { bytes[$0...].starts(with: blank) }) else {
            guard isEnd else { return nil }
            throw fault("the connection ended within the head of an answer")
        }
        let lines = String(decoding: bytes[..<end], as: UTF8.self).components(separatedBy: "\r\n")
        let start = lines[0].split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard start.count >= 2, start[0] == "HTTP/1.1", let status = Int(start[1]), (100...599).contains(status)
        else { throw fault("no status line") }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":"), colon > line.startIndex, !line.contains("\n") else {
                throw fault("no header field: \(line)")
            }
            let name = line[..<colon].lowercased()
            let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            headers[name] = headers[name].map { "\($0), \(value)" } ?? value
        }
        let body = bytes[(end + 4)...]
        if status < 200 { return try answer(in: Array(body), isEnd: isEnd, to: method) }
        let isBare = method == "HEAD" || status == 204 || status == 304
        if !isBare, headers["transfer-encoding"] == nil, let text = headers["content-length"] {
            guard let length = Int(text), length >= 0 else { throw fault("a length of \(text)") }
            guard body.count >= length || isEnd else { return nil }
            guard body.count == length else { throw fault("\(body.count) bytes of \(length)") }
        } else if !isBare, !isEnd {
            return nil
        }
        let isChunked = headers["transfer-encoding"]?.lowercased() == "chunked" && !isBare
        return Wire.Answer(
            status: status, headers: headers, body: Data(isChunked ? try unchunked(body) : Array(body)))
    }

    private static func unchunked(_ bytes: ArraySlice<UInt8>) throws -> [UInt8] {
        var (rest, body) = (bytes, [UInt8]())
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = String(decoding: rest[..<end], as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            guard let count = Int(line, radix: 16), rest.count > end - rest.startIndex + count else { break }
            if count == 0 { return body }
            body += rest[(end + 1)...].prefix(count)
            rest = rest[(end + 1)...].dropFirst(count + 2)
        }
        throw StackError("an answer in chunks without its last one")
    }
}
