import HTTPTypes
import Hummingbird
import JSON
import NIOCore

/// Answers a request with a fault injected.
struct FaultyAnswer: Sendable {
    let fault: Fault
    let provider: any EmulatedProvider

    func respond(to request: UpstreamRequest, _ context: UpstreamContext) async throws -> Response {
        switch fault.kind {
        case .latency:
            try await Task.sleep(for: .milliseconds(fault.milliseconds))
            return UpstreamServer.response(await provider.answer(request))
        case .status:
            return UpstreamServer.response(provider.failure(status: fault.status))
        case .html:
            return UpstreamServer.response(.html("\(fault.status) Bad gateway", status: fault.status))
        case .hang:
            try await Task.sleep(for: .milliseconds(fault.milliseconds))
            return UpstreamServer.response(.html("504 Gateway timeout", status: 504))
        case .drop:
            let answer = await provider.answer(request)
            try await context.channel.close(mode: .all)
            return UpstreamServer.response(answer)
        case .wrongType:
            return UpstreamServer.response(await mangled(request))
        case .truncated:
            var answer = await provider.answer(request)
            answer.body.removeLast(answer.body.count / 2)
            return UpstreamServer.response(answer)
        case .rateLimited:
            var answer = provider.rateLimited()
            answer.headers += fault.retryAfter.map { [WireField("retry-after", $0)] } ?? []
            return UpstreamServer.response(answer)
        case .quota:
            return UpstreamServer.response(provider.quotaUsedUp())
        case .oversized:
            return oversized()
        case .drip:
            return dripping(await provider.answer(request))
        }
    }

    private func mangled(_ request: UpstreamRequest) async -> UpstreamResponse {
        var answer = await provider.answer(request)
        if let value = try? decodeJSON(JSONValue.self, from: answer.body) {
            answer.body = encodeJSON(value.withWrongTypes(in: fault.field))
        }
        return answer
    }

    private func oversized() -> Response {
        let count = fault.bytes
        let head = "{\"padding\":\""
        let tail = "\"}"
        let body = ResponseBody { writer in
            try await writer.write(ByteBuffer(string: head))
            var left = count - head.utf8.count - tail.utf8.count
            while left > 0 {
                let chunk = min(left, 65_536)
                try await writer.write(ByteBuffer(repeating: UInt8(ascii: "x"), count: chunk))
                left -= chunk
            }
            try await writer.write(ByteBuffer(string: tail))
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: "application/json"], body: body)
    }

    private func dripping(_ answer: UpstreamResponse) -> Response {
        let pause = fault.milliseconds
        let bytes = answer.body
        let body = ResponseBody(contentLength: bytes.count) { writer in
            for byte in bytes {
                try await writer.write(ByteBuffer(bytes: [byte]))
                try await Task.sleep(for: .milliseconds(pause))
            }
            try await writer.finish(nil)
        }
        return Response(
            status: HTTPResponse.Status(code: answer.status), headers: UpstreamServer.fields(answer.headers), body: body
        )
    }
}
