import Foundation
import Stack

/// Sends webhook requests to a hook as a media server would, using curl.
struct MediaServer: Sendable {
    let address: String
    /// The values of its Authorization fields.
    private let credentials: [String]
    private let folder: URL

    init(_ port: Int, path: String, credentials: [String] = []) throws {
        address = "http://127.0.0.1:\(port)\(path)"
        self.credentials = credentials
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("media-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func file(_ bytes: Data) throws -> String {
        let file = folder.appendingPathComponent(UUID().uuidString)
        try bytes.write(to: file)
        return file.path
    }

    private func curl(_ arguments: [String]) async throws -> (status: Int, json: [String: Any]) {
        let fields = credentials.flatMap { ["-H", "authorization: \($0)"] }
        let printed = try await Command.run(
            "curl", ["-sS", "--max-time", "30", "-w", "\n%{http_code}"] + fields + arguments + [address])
        let parts = printed.split(separator: "\n").map(String.init)
        let json = parts.first.flatMap { try? JSONSerialization.jsonObject(with: Data($0.utf8)) }
        return (parts.last.flatMap { Int($0) } ?? 0, json as? [String: Any] ?? [:])
    }

    /// A form as Plex sends it: the text, followed by a picture.
    func plex(_ text: String, pictureBytes: Int = 40_000) async throws -> (status: Int, json: [String: Any]) {
        try await curl([
            "-A", "PlexMediaServer/1.40", "-F", "payload=<\(try file(Data(text.utf8)));type=application/json",
            "-F", "thumb=@\(try file(Data(repeating: 0xff, count: pictureBytes)));type=image/jpeg",
        ])
    }

    /// A form with one field, as Emby sends it.
    func emby(_ text: String) async throws -> (status: Int, json: [String: Any]) {
        try await curl(["-F", "data=<\(try file(Data(text.utf8)))"])
    }

    /// The text as the whole body.
    func plain(
        _ text: String, type: String = "application/json"
    ) async throws -> (status: Int, json: [String: Any]) {
        try await bytes(Data(text.utf8), type: type)
    }

    func bytes(_ bytes: Data, type: String) async throws -> (status: Int, json: [String: Any]) {
        try await curl(["-H", "content-type: \(type)", "-H", "expect:", "--data-binary", "@\(try file(bytes))"])
    }
}

/// Requests recorded from real servers.
enum Recorded {
    static let folder = ProcessInfo.processInfo.environment["REELAY_FIXTURES"].map { $0 + "/webhooks/" }

    /// Returns the file, or a member of it, with some members changed.
    static func hook(_ file: String, _ member: String? = nil, changing members: [String: Any] = [:]) throws -> String {
        guard let folder else { throw StackError("REELAY_FIXTURES is not set") }
        let json = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: folder + file)))
        var value = json as? [String: Any] ?? (json as? [[String: Any]])?.first ?? [:]
        if let member { value = value[member] as? [String: Any] ?? [:] }
        value.merge(members) { _, new in new }
        return String(decoding: try JSONSerialization.data(withJSONObject: value), as: UTF8.self)
    }
}

extension PublicClient {
    /// Creates a hook and a server that sends to it.
    func hook(_ name: String, port: Int) async throws -> (id: String, server: MediaServer) {
        let made = try await send("POST", "/hooks", #"{"name":"\#(name)"}"#)
        guard let hook = made.json["hook"] as? [String: Any], let id = hook["id"] as? String,
            let path = made.json["path"] as? String
        else { throw StackError("no hook: \(made.answer.text)") }
        return (id, try MediaServer(port, path: path))
    }

    /// The deliveries of a hook, latest first, once all of them are processed.
    func deliveries(of hook: String) async throws -> [[String: Any]] {
        let end = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < end {
            let listed = try await send("GET", "/hooks/\(hook)/deliveries")
            let deliveries = listed.json["deliveries"] as? [[String: Any]] ?? []
            if deliveries.allSatisfy({ $0["state"] as? String != "pending" }) { return deliveries }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw StackError("deliveries of \(hook) are not worked")
    }

    func assign(_ account: String, of hook: String, to person: String) async throws -> Answer {
        try await send("PUT", "/hooks/\(hook)/accounts/\(account)", #"{"person":"\#(person)"}"#)
    }

    /// The names of watched titles, latest first.
    func history() async throws -> [String] {
        let page = try await send("GET", "/history?limit=50")
        return (page.json["items"] as? [[String: Any]] ?? []).compactMap {
            ($0["title"] as? [String: Any])?["name"] as? String
        }
    }

    func nowPlaying() async throws -> [[String: Any]] {
        try await send("GET", "/playback/now").json["sessions"] as? [[String: Any]] ?? []
    }
}
