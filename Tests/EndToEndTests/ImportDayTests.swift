import Foundation
import Stack
import Testing

/// Days stay the same in every time zone; and IMDb's files.
@Suite(.stack(.openToAll), .serialized)
struct ImportDayTests {
    private func bring(
        _ text: String, as name: String, _ client: PublicClient
    ) async throws -> [String: Int] {
        let sent = try await client.upload("/imports?name=\(name)&apply=true", Array(text.utf8), type: "text/csv")
        #expect(sent.status == 202, "\(sent.answer.text)")
        let id = try #require(sent.json["id"] as? String)
        for _ in 0..<8 {
            let found = try await client.send("GET", "/imports/\(id)?wait=true")
            let state = found.json["state"] as? String ?? ""
            if ["reading", "matching", "judging", "applying"].contains(state) { continue }
            #expect(state == "applied", "\(found.answer.text)")
            return (found.json["counts"] as? [String: Int] ?? [:]).filter { $0.value > 0 }
        }
        throw StackError("import \(id) does not rest")
    }

    @Test(
        "A diary keeps its days for people in UTC−11, UTC+14 and in between",
        arguments: [
            "Pacific/Pago_Pago", "Pacific/Kiritimati", "Europe/Vienna",
        ])
    func days(zone: String) async throws {
        let gateway = try #require(Stack.current).service("gateway").port
        let client = try await PublicClient(gateway).registered("z" + UUID().uuidString.prefix(12).lowercased())
        let moved = try await client.send("PATCH", "/users/me", #"{"time_zone":"\#(zone)"}"#)
        #expect(moved.status == 200, "\(moved.answer.text)")
        let days = ["2020-02-29", "2020-12-31", "2021-01-01", "2021-03-28", "2021-10-31"]
        let rows = days.enumerated().map { "\($1),Day Film \($0),1999,https://boxd.it/d\($0),,,,\($1)" }
        let header = "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\n"
        #expect(try await bring(header + rows.joined(separator: "\n") + "\n", as: "diary.csv", client) == ["new": 5])
        let history = try await client.send("GET", "/history?limit=100")
        let plays = (history.json["items"] as? [[String: Any]] ?? []).compactMap { $0["play"] as? [String: Any] }
        #expect(Set(plays.compactMap { $0["watched_on"] as? String }) == Set(days), "\(history.answer.text)")
        let diary = try await client.send("GET", "/exports/letterboxd?list=diary")
        for (place, day) in days.enumerated() {
            let line = diary.answer.text.split(separator: "\r\n").first { $0.contains("Day Film \(place)") }
            #expect(line?.contains("\"\(day)\"") == true, "\(line ?? "")")
        }
        #expect(try await bring(diary.answer.text, as: "again.csv", client) == ["same": 5])
    }

    @Test("IMDb's ratings and watchlist: by their ids, on the scale of ten, with their dates; twice changes nothing")
    func imdb() async throws {
        let gateway = try #require(Stack.current).service("gateway").port
        let client = try await PublicClient(gateway).registered("m" + UUID().uuidString.prefix(12).lowercased())
        let ratings = """
            Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,IMDb Rating,Runtime (mins),Year,Genres,Num Votes,Release Date,Directors
            tt9100001,8,2023-05-06,"The Lighthouse Keeper's Clock","The Lighthouse Keeper's Clock",https://www.imdb.com/title/tt9100001,Movie,8.1,104,2019,"Drama",1000,2019-01-01,"Somebody"
            tt9999991,3,2023-05-07,"A Film of IMDb","A Film of IMDb",https://www.imdb.com/title/tt9999991,Movie,5.1,90,2001,"Comedy",10,2001-01-01,"Nobody"\n
            """
        #expect(try await bring(ratings, as: "ratings.csv", client) == ["new": 2])
        let found = try await client.send("GET", "/ratings")
        let rated = (found.json["items"] as? [[String: Any]] ?? []).compactMap { $0["rating"] as? [String: Any] }
        #expect(Set(rated.compactMap { $0["rating"] as? Double }) == [8, 3], "\(found.answer.text)")
        #expect(found.answer.text.contains("2023-05-06"), "\(found.answer.text)")
        let watchlist = """
            Position,Const,Created,Modified,Description,Title,Original Title,URL,Title Type,IMDb Rating,Runtime (mins),Year,Genres,Num Votes,Release Date,Directors,Your Rating,Date Rated
            1,tt9999992,2022-01-02,2022-01-02,,"Wanted by IMDb","Wanted by IMDb",https://www.imdb.com/title/tt9999992,Movie,6.0,100,2010,"Drama",100,2010-01-01,"Somebody",,\n
            """
        #expect(try await bring(watchlist, as: "WATCHLIST.csv", client) == ["new": 1])
        let list = try await client.send("GET", "/watchlist")
        #expect(list.answer.text.contains("Wanted by IMDb"), "\(list.answer.text)")
        #expect(try await bring(ratings, as: "ratings.csv", client) == ["same": 2])
        #expect(try await bring(watchlist, as: "WATCHLIST.csv", client) == ["same": 1])
    }

    @Test(
        "A row that nothing matched is kept under its own name, and links itself once a provider is found to have the title"
    )
    func unmatched() async throws {
        let gateway = try #require(Stack.current).service("gateway").port
        let client = try await PublicClient(gateway).registered("u" + UUID().uuidString.prefix(12).lowercased())
        let diary = """
            Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date
            2021-06-14,Salt and Static,2023,https://boxd.it/9aaaaa,4,,,2021-06-13\n
            """
        #expect(try await bring(diary, as: "diary.csv", client) == ["new": 1])
        func title() async throws -> String? {
            let history = try await client.send("GET", "/history")
            let items = history.json["items"] as? [[String: Any]] ?? []
            #expect(items.count == 1, "\(history.answer.text)")
            return (items.first?["title"] as? [String: Any])?["id"] as? String
        }
        let local = try #require(try await title())
        let before = try await client.send("GET", "/movies/\(local)")
        #expect(before.json["is_local"] as? Bool == true, "\(before.answer.text)")
        let refreshed = try await client.send("POST", "/movies/\(local)/refresh")
        #expect(refreshed.status == 200, "\(refreshed.answer.text)")
        let after = try await client.send("GET", "/movies/\(local)")
        #expect(after.json["is_local"] as? Bool == false, "\(after.answer.text)")
        let known = try await client.send("POST", "/movies/resolve", #"{"ids":{"imdb":"tt9100005"}}"#)
        let played = try await title()
        #expect(known.json["id"] as? String == played, "\(known.answer.text)")
        #expect(try await bring(diary, as: "diary.csv", client) == ["same": 1])
    }
}
