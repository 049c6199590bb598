import Foundation
import Stack
import Testing

extension StackPlan {
    /// Two gateways with low rate limits.
    fileprivate static let strict: StackPlan = {
        var plan = StackPlan()
        plan.copies["gateway"] = 2
        plan.settingsOf["gateway"] = [
            "REELAY_REGISTRATION": "open", "REELAY_PERSON_REQUESTS": "60", "REELAY_KEY_REQUESTS": "30",
            "REELAY_ADDRESS_REQUESTS": "40",
        ]
        return plan
    }()
}

/// Rate limits across two copies of the gateway.
@Suite(.stack(.strict), .serialized)
struct RateLimitTests {
    private func gateways() throws -> [PublicClient] {
        try #require(Stack.current?.copies["gateway"]).map { PublicClient($0.port) }
    }

    /// Sends `count` requests to the gateways in turn; returns how many were admitted, and the last refusal.
    private func ask(
        _ clients: [PublicClient], _ count: Int, _ path: String
    ) async throws -> (admitted: Int, refusal: PublicClient.Answer?) {
        var admitted = 0
        var refusal: PublicClient.Answer?
        for number in 0..<count {
            let answer = try await clients[number % clients.count].send("GET", path)
            if answer.status == 429 { refusal = answer } else { admitted += 1 }
        }
        return (admitted, refusal)
    }

    @Test("A person and each of their keys have a limit of their own over both gateways, and hear when to come again")
    func people() async throws {
        let alice = try await gateways()[0].registered("rate-alice")
        let clients = try gateways().map { client in
            var client = client
            client.token = alice.token
            return client
        }
        let key = try await clients[1].send("POST", "/users/me/api-keys", #"{"name":"script","scopes":["read"]}"#)
        let token = try #require(key.json["token"] as? String, "\(key.answer.text)")
        let (admitted, refusal) = try await ask(clients, 90, "/users/me")
        // One request was spent on creating the key.
        #expect(admitted == 59)
        let refused = try #require(refusal)
        #expect(refused.json["code"] as? String == "tooManyRequests", "\(refused.answer.text)")
        #expect(refused.answer.headers["content-type"] == "application/problem+json")
        let wait = try #require(refused.answer.headers["retry-after"].flatMap { Int($0) })
        #expect((1...70).contains(wait))
        #expect(refused.answer.headers["ratelimit-policy"] == #""person";q=60;w=70"#)
        #expect(refused.answer.headers["ratelimit"]?.hasPrefix(#""person";r=0;t="#) == true)

        let scripts = clients.map { client in
            var client = client
            client.token = token
            return client
        }
        let first = try await scripts[0].send("GET", "/users/me")
        #expect(first.status == 200, "a key does not count towards its person: \(first.answer.text)")
        #expect(first.answer.headers["ratelimit-policy"] == #""key";q=30;w=70"#)
        #expect(first.answer.headers["ratelimit"]?.hasPrefix(#""key";r="#) == true)
        #expect(try await ask(scripts, 60, "/users/me").admitted == 29)

        let bob = try await gateways()[1].registered("rate-bob")
        #expect(try await bob.send("GET", "/users/me").status == 200, "others are not held to it")
    }

    @Test("Who shows no credentials is counted by address, whatever the token says")
    func addresses() async throws {
        let carol = try await gateways()[0].registered("rate-carol")
        let process = try #require(Stack.current?.copies["gateway"]?.last)
        await process.stop()
        try process.start()
        try await process.awaitReady()
        var strangers = try gateways()
        for index in strangers.indices {
            strangers[index].token = "reelay_st_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        }
        // Other tests of this suite have already sent requests from this address.
        let (admitted, refusal) = try await ask(strangers, 80, "/users/me")
        #expect(admitted <= 40 && admitted > 30)
        #expect(refusal?.answer.headers["ratelimit-policy"] == #""address";q=40;w=70"#)
        let login = try await strangers[0].send("POST", "/auth/login", #"{"username":"a","password":"not this one"}"#)
        #expect(login.status == 429 && login.json["code"] as? String == "tooManyRequests")
        // Authenticated clients at the same address are not affected, not even at a gateway that has just started.
        for client in try gateways() {
            var client = client
            client.token = carol.token
            #expect(try await client.send("GET", "/users/me").status == 200)
        }
    }
}
