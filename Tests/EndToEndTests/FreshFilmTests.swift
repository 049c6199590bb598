import Foundation
import Stack
import Synchronization
import Testing

extension StackPlan {
    /// Two copies of the gateway, where everybody reads as fast as they can.
    fileprivate static var twoGateways: StackPlan {
        var plan = StackPlan()
        plan.copies["gateway"] = 2
        plan.settings = ["REELAY_REGISTRATION": "open", "REELAY_PERSON_REQUESTS": "0", "REELAY_ADDRESS_REQUESTS": "0"]
        return plan
    }
}

/// Films are answered without calls for as long as nothing was written, and whoever wrote sees it at once everywhere.
@Suite(.stack(.twoGateways), .serialized)
struct FreshFilmTests {
    private static let ratings = 60
    private static let readersEach = 3

    /// What those who read on and on share with the test.
    private final class Reading: Sendable {
        let isOver = Atomic(false)
        let count = Atomic(0)
    }

    private struct Person: Sendable {
        /// One client for each copy of the gateway.
        let clients: [PublicClient]
    }

    /// The look-ups of several films that all copies have made so far.
    private func lookUps() async throws -> Int {
        var count = 0
        for gateway in try #require(Stack.current?.copies["gateway"]) {
            let text = try await Wire.send("GET", "http://127.0.0.1:\(gateway.adminPort)/metrics").text
            for line in text.split(separator: "\n") where line.hasPrefix("rpc_client_duration_seconds_count{") {
                guard line.contains("method=\"ratings.lookUpRatings\"") else { continue }
                count += line.split(separator: " ").last.flatMap { Double($0) }.map { Int($0) } ?? 0
            }
        }
        return count
    }

    private func people(_ names: [String]) async throws -> [Person] {
        let copies = try #require(Stack.current?.copies["gateway"])
        var people: [Person] = []
        for name in names {
            let first = try await PublicClient(copies[0].port).registered(name)
            people.append(Person(clients: copies.map { PublicClient($0.port, token: first.token) }))
        }
        return people
    }

    /// What a copy shows as the person's rating of the film, in tenths; nil without one.
    private static func rating(of film: String, _ client: PublicClient) async throws -> Int? {
        let answer = try await client.send("GET", "/movies/\(film)")
        guard answer.status == 200 else { throw StackError("\(answer.status): \(answer.answer.text)") }
        let rating = (answer.json["my_rating"] as? [String: Any])?["rating"] as? Double
        return rating.map { Int(($0 * 10).rounded()) }
    }

    /// Rates the film again and again and reads it at once through every copy; returns what was not as written.
    private static func rate(_ film: String, _ person: Person, from offset: Int) async throws -> [String] {
        var stale: [String] = []
        for number in 0..<ratings {
            let tenths = 10 + (number * 7 + offset) % 90
            let writer = person.clients[number % person.clients.count]
            let body = #"{"rating":\#(tenths / 10).\#(tenths % 10)}"#
            let written = try await writer.send("POST", "/movies/\(film)/rate", body)
            guard written.status == 200 else { throw StackError("\(written.status): \(written.answer.text)") }
            try await withThrowingTaskGroup(of: String?.self) { group in
                for client in person.clients {
                    group.addTask {
                        let seen = try await rating(of: film, client)
                        return seen == tenths ? nil : "wrote \(tenths), read \(seen ?? 0) at \(client.base)"
                    }
                }
                for try await fault in group { if let fault { stale.append(fault) } }
            }
        }
        return stale
    }

    @Test("Two people rate a film that many read, over two copies: nobody reads an older rating than they wrote")
    func ratingsReadAtOnce() async throws {
        let people = try await people(["fresh-one", "fresh-two", "fresh-three"])
        let found = try await people[0].clients[0].send("POST", "/movies/resolve", #"{"ids":{"imdb":"tt9100001"}}"#)
        let film = try #require(found.json["id"] as? String, "\(found.answer.text)")
        let reading = Reading()
        try await withThrowingTaskGroup(of: [String].self) { group in
            // Others read the film all the time, so that requests for it meet.
            for client in people[2].clients {
                for _ in 0..<Self.readersEach {
                    group.addTask {
                        while !reading.isOver.load(ordering: .relaxed) {
                            _ = try await Self.rating(of: film, client)
                            reading.count.add(1, ordering: .relaxed)
                        }
                        return []
                    }
                }
            }
            group.addTask { try await Self.rate(film, people[0], from: 0) }
            group.addTask { try await Self.rate(film, people[1], from: 45) }
            var writers = 2
            for try await stale in group {
                #expect(stale == [])
                writers -= 1
                if writers == 0 { reading.isOver.store(true, ordering: .relaxed) }
            }
        }
        #expect(reading.count.load(ordering: .relaxed) > 0)
    }

    @Test("While nothing is written nobody is called, however often a film is read")
    func readWithoutCalls() async throws {
        let person = try #require(try await people(["fresh-four"]).first)
        let found = try await person.clients[0].send("POST", "/movies/resolve", #"{"ids":{"imdb":"tt9100002"}}"#)
        let film = try #require(found.json["id"] as? String, "\(found.answer.text)")
        let before = try await lookUps()
        let rounds = 40
        for _ in 0..<rounds {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for client in person.clients {
                    for _ in 0..<4 { group.addTask { _ = try await Self.rating(of: film, client) } }
                }
                try await group.waitForAll()
            }
        }
        // Housekeeping writes now and then.
        #expect(try await lookUps() - before < rounds, "one look-up a round at least would be one each time")
    }
}
