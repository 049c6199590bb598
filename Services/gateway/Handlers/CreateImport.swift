import Contracts
import Cryptography
import RPC

/// `createImport`: takes files in as they arrive and passes them on in pieces; nothing is stored here.
struct CreateImport: Sendable {
    let scrobble: ScrobbleClient

    /// The size of a piece, in bytes; in Base64 as long as a string between services may be.
    static let pieceBytes = 192 << 10
    /// The maximum number of files in one upload.
    static let filesMax = 100

    func run(
        _ input: CreateImportInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Import> {
        var sender = Sender(scrobble: scrobble, caller: caller, context: context)
        do throws(RPCError) {
            if let type = input.upload.contentType, let boundary = MultipartReader.boundary(of: type) {
                try await sendParts(input.upload, boundary, &sender)
            } else {
                try await sendWhole(input.upload, named: input.name, &sender)
            }
            guard let made = sender.made else { throw .invalidRequest("no file was sent") }
            return EdgeReply(
                try await scrobble.finishUpload(
                    FinishUploadParams(user: caller.user, import: made, apply: input.apply), context.rpc.outgoing()))
        } catch {
            // The partial upload is of no use. A new task cancels it, since this one may be cancelled with its client.
            if let made = sender.made {
                let (scrobble, user) = (scrobble, caller.user)
                await Task {
                    _ = try? await scrobble.cancelImport(
                        CancelImportParams(user: user, import: made), RPCCall.within(.seconds(5)))
                }.value
            }
            throw error
        }
    }

    private func sendWhole(
        _ upload: EdgeUpload, named name: String?, _ sender: inout Sender
    ) async throws(RPCError) {
        var isFirst = true
        while let bytes = try await upload.next() {
            if isFirst {
                let isArchive = bytes.starts(with: [0x50, 0x4B])
                try sender.begin(name ?? (isArchive ? "export.zip" : "export.csv"))
                isFirst = false
            }
            try await sender.send(bytes)
        }
        try await sender.endFile()
    }

    private func sendParts(
        _ upload: EdgeUpload, _ boundary: String, _ sender: inout Sender
    ) async throws(RPCError) {
        var reader = MultipartReader(boundary: boundary)
        while let bytes = try await upload.next() {
            var events: [MultipartReader.Event] = []
            do throws(MultipartReader.Failure) {
                try reader.feed(bytes) { events.append($0) }
            } catch {
                throw .invalidRequest("the multipart body cannot be read")
            }
            for event in events {
                switch event {
                case .part(.some(let name)): try sender.begin(name)
                // A form field that is not a file is ignored.
                case .part(nil): sender.skip()
                case .bytes(let bytes): try await sender.send(bytes)
                case .end: try await sender.endFile()
                }
            }
        }
        do throws(MultipartReader.Failure) {
            try reader.finish()
        } catch {
            throw .invalidRequest("the multipart body is cut short")
        }
    }

    /// Passes files on in pieces of a fixed size.
    private struct Sender {
        let scrobble: ScrobbleClient
        let caller: EdgeCaller
        let context: EdgeContext
        private var name: String?
        private var number = -1
        private var offset = 0
        private var waiting: [UInt8] = []
        /// The import, created with the first piece that is passed on.
        private(set) var made: ImportID?

        init(scrobble: ScrobbleClient, caller: EdgeCaller, context: EdgeContext) {
            self.scrobble = scrobble
            self.caller = caller
            self.context = context
        }

        mutating func begin(_ name: String) throws(RPCError) {
            // The end says more than the beginning: the file's own name follows its folders.
            var rest = name[...]
            while rest.utf8.count > 255 { rest.removeFirst() }
            self.name = String(rest)
            number += 1
            offset = 0
            guard number < CreateImport.filesMax else {
                throw .invalidRequest("there are more than \(CreateImport.filesMax) files")
            }
        }

        mutating func skip() { name = nil }

        mutating func send(_ bytes: [UInt8]) async throws(RPCError) {
            guard name != nil else { return }
            waiting += bytes
            while waiting.count >= CreateImport.pieceBytes { try await pass(CreateImport.pieceBytes) }
        }

        mutating func endFile() async throws(RPCError) {
            if !waiting.isEmpty { try await pass(waiting.count) }
            name = nil
        }

        private mutating func pass(_ count: Int) async throws(RPCError) {
            guard let name else { return }
            let id = try await open()
            let piece = Array(waiting[..<count])
            waiting.removeFirst(count)
            _ = try await scrobble.putImportChunk(
                PutImportChunkParams(
                    user: caller.user, import: id, file: number, name: name, offset: offset,
                    data: Base64.encode(piece)),
                context.rpc.outgoing())
            offset += count
        }

        private mutating func open() async throws(RPCError) -> ImportID {
            if let made { return made }
            let id = try await scrobble.createImport(
                CreateImportParams(user: caller.user, timeZone: caller.timeZone), context.rpc.outgoing()
            ).id
            made = id
            return id
        }
    }
}
