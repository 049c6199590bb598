import Foundation
import Stack
import Testing

/// The ledger over HTTP: what was watched and what comes next, what is kept, and undo.
@Suite(.stack, .serialized)
struct LedgerTests {
    private struct Person {
        let base: String
        let token: String

        func send(_ method: String, _ path: String, _ body: String? = nil) async throws -> [String: Any] {
            var fields = ["authorization": "Bearer \(token)"]
            if body != nil { fields["content-type"] = "application/json" }
            let answer = try await Wire.send(method, base + path, headers: fields, body: body)
            #expect((200..<300).contains(answer.status), "\(method) \(path): \(answer.text)")
            return (try? JSONSerialization.jsonObject(with: answer.body)) as? [String: Any] ?? [:]
        }

        func items(_ path: String) async throws -> [[String: Any]] {
            try await send("GET", path)["items"] as? [[String: Any]] ?? []
        }

        func resolve(_ path: String, _ body: String) async throws -> String {
            try #require(try await send("POST", path + "/resolve", body)["id"] as? String)
        }
    }

    private func join() async throws -> Person {
        let base = "http://127.0.0.1:\(try #require(Stack.current).service("gateway").port)/api/v1"
        let answer = try await Wire.send(
            "POST", base + "/auth/register", headers: ["content-type": "application/json"],
            body: #"{"username":"ledger","password":"a long and odd phrase"}"#)
        let json = try JSONSerialization.jsonObject(with: answer.body) as? [String: Any]
        return Person(base: base, token: try #require(json?["token"] as? String, "\(answer.text)"))
    }

    private static func names(_ items: [[String: Any]]) -> [String] {
        items.map { ($0["title"] as? [String: Any])?["name"] as? String ?? "?" }
    }

    @Test("Watch a show up to an episode, go on with the next one, take it all back; keep, list and mend")
    func ledger() async throws {
        let me = try await join()
        try await shows(me)
        try await shelves(me)
        try await dates(me)
    }

    /// "The Harbour Office" has three seasons of four episodes, all of which have aired.
    private func shows(_ me: Person) async throws {
        let show = try await me.resolve("/shows", #"{"ids":{"imdb":"tt9100102"}}"#)
        let third = try await me.resolve(
            "/episodes", #"{"series_ids":{"imdb":"tt9100102"},"season_number":1,"episode_number":3}"#)
        let change = try await me.send("POST", "/episodes/\(third)/watched", #"{"up_to":true}"#)
        #expect(change["added"] as? Int == 3)
        let batch = try #require(change["batch"] as? String)

        let state = try await me.send("GET", "/shows/\(show)/progress")
        #expect(state["aired"] as? Int == 12)
        #expect(state["watched"] as? Int == 3)
        #expect(state["is_watched"] as? Bool == false)
        #expect(state["last_watched_at"] == nil, "nobody said when")
        let next = try #require(state["next"] as? [String: Any])
        #expect(next["season_number"] as? Int == 1)
        #expect(next["episode_number"] as? Int == 4)

        let nextID = try #require(next["title"] as? String)
        _ = try await me.send("POST", "/episodes/\(nextID)/rate", #"{"rating":7.5}"#)
        let goingOn = try await me.items("/continue-watching")
        #expect(Self.names(goingOn) == ["Open Day"])
        let item = try #require(goingOn.first)
        #expect((item["series"] as? [String: Any])?["name"] as? String == "The Harbour Office")
        #expect((item["my_rating"] as? [String: Any])?["rating"] as? Double == 7.5)
        #expect((item["external_ratings"] as? [[String: Any]])?.isEmpty == false, "\(item)")
        #expect(item["percent"] == nil)

        // Half of it, then all of it, from a player.
        let session = try await me.send("POST", "/playback/sessions", #"{"title":"\#(nextID)"}"#)
        let sitting = try #require(session["id"] as? String)
        _ = try await me.send("POST", "/playback/sessions/\(sitting)/stop", #"{"progress_percent":40}"#)
        #expect(try await me.items("/continue-watching").first?["percent"] as? Double == 40)
        #expect(try await me.send("GET", "/episodes/\(nextID)/progress")["percent"] as? Double == 40)
        let again = try await me.send("POST", "/playback/sessions", #"{"title":"\#(nextID)"}"#)
        _ = try await me.send(
            "POST", "/playback/sessions/\(try #require(again["id"] as? String))/stop", #"{"progress_percent":95}"#)
        #expect(Self.names(try await me.items("/continue-watching")) == ["New Stamps"])
        let season = try await me.resolve("/seasons", #"{"series_ids":{"imdb":"tt9100102"},"season_number":1}"#)
        #expect(try await me.send("GET", "/seasons/\(season)/watched")["is_watched"] as? Bool == true)

        let preview = try await me.send("GET", "/batches/\(batch)/undo")
        #expect(preview["restored"] as? Int == 3)
        let undone = try await me.send("POST", "/batches/\(batch)/undo")
        #expect(undone["restored"] as? Int == 3)
        #expect((undone["batch"] as? [String: Any])?["state"] as? String == "undone")
        #expect(try await me.send("GET", "/shows/\(show)/watched")["watched"] as? Int == 1)
        #expect(try await me.send("DELETE", "/shows/\(show)/watched")["removed"] as? Int == 1)
        #expect(try await me.items("/history").isEmpty)
    }

    private func shelves(_ me: Person) async throws {
        let film = try await me.resolve("/movies", #"{"ids":{"imdb":"tt9100001"}}"#)
        let unknown = "01920000-0000-7000-8000-00000000dead"
        let media = #"{"media_type":"bluray","resolution":"uhd_4k"}"#
        let put = try await me.send(
            "POST", "/collection",
            #"{"items":[{"title":"\#(film)","media":\#(media)},{"title":"\#(unknown)"}]}"#
        )
        let results = (put["outcomes"] as? [[String: Any]] ?? []).map { $0["result"] as? String }
        #expect(results == ["created", "unknown_title"])
        let owned = try #require(try await me.items("/collection").first)
        #expect((owned["media"] as? [String: Any])?["resolution"] as? String == "uhd_4k")
        #expect((owned["external_ratings"] as? [[String: Any]])?.isEmpty == false)
        #expect(try await me.send("DELETE", "/collection/\(film)")["removed"] as? Bool == true)
        #expect(try await me.send("DELETE", "/collection/\(film)")["removed"] as? Bool == false)
        #expect(try await me.items("/collection").isEmpty)

        let list = try #require(
            try await me.send("POST", "/lists", #"{"name":"Lighthouses","description":"All of them."}"#)["id"]
                as? String)
        let other = try await me.resolve("/movies", #"{"ids":{"imdb":"tt9100002"}}"#)
        _ = try await me.send(
            "POST", "/lists/\(list)/items", #"{"items":[{"title":"\#(film)"},{"title":"\#(other)"}]}"#)
        let before = Self.names(try await me.items("/lists/\(list)/items"))
        #expect(before.count == 2)
        _ = try await me.send("POST", "/lists/\(list)/order", #"{"titles":["\#(other)"],"before":"\#(film)"}"#)
        #expect(Self.names(try await me.items("/lists/\(list)/items")) == before.reversed())
        let edited = try await me.send("PATCH", "/lists/\(list)", #"{"description":""}"#)
        #expect(edited["description"] == nil)
        #expect(edited["name"] as? String == "Lighthouses")
        #expect(edited["item_count"] as? Int == 2)
    }

    private func dates(_ me: Person) async throws {
        let film = try await me.resolve("/movies", #"{"ids":{"imdb":"tt9100001"}}"#)
        let added = try await me.send("POST", "/history", #"{"title":"\#(film)","unknown_date":true}"#)
        let play = try #require(added["play"] as? String)
        #expect(try await me.items("/history?unknown_date=true").count == 1)
        let edited = try await me.send("PATCH", "/history/\(play)", #"{"watched_on":"2025-11-02"}"#)
        #expect(edited["precision"] as? String == "day")
        #expect(try await me.items("/history?unknown_date=true").isEmpty)
        #expect(
            try await me.items("/history?from=2025-11-02T00:00:00Z&until=2025-11-03T00:00:00Z&kind=movie").count == 1)
        #expect(try await me.items("/history?until=2025-11-02T00:00:00Z").isEmpty)
        #expect(try await me.items("/history?title=\(film)").count == 1)
        #expect(try await me.items("/history?kind=episode").isEmpty)
        // A second play that is moved to the day of the first becomes the first.
        let second = try await me.send("POST", "/history", #"{"title":"\#(film)","watched_at":"2025-12-24T20:00:00Z"}"#)
        let moved = try await me.send(
            "PATCH", "/history/\(try #require(second["play"] as? String))", #"{"watched_at":"2025-12-24T19:00:00Z"}"#)
        #expect(moved["watched_at"] as? String == "2025-12-24T19:00:00Z")
        #expect(try await me.items("/history?title=\(film)").count == 2)
    }
}
