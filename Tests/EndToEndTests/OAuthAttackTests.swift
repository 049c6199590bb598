import Foundation
import Stack
import Testing

/// Twelve attacks on connecting an account, each through the public API, with a browser that can be manipulated and the
/// emulated Trakt. None of them connects anything.
@Suite(.stack(.openToAll), .serialized)
struct OAuthAttackTests {
    enum Attack: String, CaseIterable {
        case replayedState, stateOfAnotherSession, codeOfAnotherProvider, wrongIssuer, redirectWithPath,
            redirectWithQuery
        case redirectWithPort, redirectWithUserinfo, pkceDowngrade, callbackTwice, callbackWithoutBearer,
            deviceCodeGuessed
    }

    /// Where the attacked flow ended.
    private struct Outcome {
        /// The result of the last answer, or the HTTP status if there was none.
        let answer: String
        /// The person who must not be connected afterwards, and whether they were before.
        let victim: PublicClient
        var wasConnected = false
    }

    private static let expected: [Attack: String] = [
        .replayedState: "unknown", .stateOfAnotherSession: "unknown", .codeOfAnotherProvider: "refused",
        .wrongIssuer: "refused", .redirectWithPath: "400", .redirectWithQuery: "400", .redirectWithPort: "400",
        .redirectWithUserinfo: "400", .pkceDowngrade: "refused", .callbackTwice: "unknown",
        .callbackWithoutBearer: "401", .deviceCodeGuessed: "unknown",
    ]

    private func person() async throws -> PublicClient {
        let stack = try #require(Stack.current)
        return try await PublicClient(try stack.service("gateway").port)
            .registered("o" + UUID().uuidString.prefix(12).lowercased())
    }

    private func begin(_ client: PublicClient) async throws -> (address: String, state: String) {
        let answer = try await client.send("POST", "/scrobbling/trakt/connect")
        return (
            try #require(answer.json["authorize_url"] as? String, "\(answer.answer.text)"),
            try #require(answer.json["state"] as? String)
        )
    }

    /// Returns the status and the code that the browser is redirected with, or nil if it is not redirected.
    private func approve(_ address: String) async throws -> (status: Int, code: String?) {
        let browser = try await Wire.send("GET", "\(address)&as=demo-victim", headers: ["user-agent": "a browser"])
        let back = browser.headers["location"].flatMap { URLComponents(string: $0) }
        return (browser.status, back?.queryItems?.first { $0.name == "code" }?.value)
    }

    private func complete(
        _ code: String, _ state: String, iss: String? = nil, by client: PublicClient
    ) async throws -> String {
        let issuer = iss.map { #","iss":"\#($0)""# } ?? ""
        let answer = try await client.send(
            "POST", "/scrobbling/trakt/complete", #"{"code":"\#(code)","state":"\#(state)"\#(issuer)}"#)
        return answer.json["result"] as? String ?? "\(answer.status)"
    }

    private func isConnected(_ client: PublicClient) async throws -> Bool {
        let list = try await client.send("GET", "/scrobbling/connections")
        let all = list.json["connections"] as? [[String: Any]] ?? []
        return all.contains { $0["provider"] as? String == "trakt" && $0["state"] as? String == "connected" }
    }

    /// Starts the victim's flow with a changed redirect; the answer is Trakt's to the browser.
    private func bent(_ change: (String) -> String) async throws -> Outcome {
        let victim = try await person()
        let (address, _) = try await begin(victim)
        var parts = try #require(URLComponents(string: address))
        let items = (parts.queryItems ?? []).map { item in
            item.name == "redirect_uri" ? URLQueryItem(name: item.name, value: change(item.value ?? "")) : item
        }
        parts.queryItems = items
        parts.percentEncodedQuery = items.map { item in
            let value = item.value?.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            return "\(item.name)=\(value)"
        }.joined(separator: "&")
        let back = try await approve(try #require(parts.string))
        return Outcome(answer: back.code == nil ? "\(back.status)" : "sent there with a code", victim: victim)
    }

    private func carryOut(_ attack: Attack) async throws -> Outcome {
        switch attack {
        case .redirectWithPath: return try await bent { $0 + "/more" }
        case .redirectWithQuery: return try await bent { $0 + "?next=evil" }
        case .redirectWithPort: return try await bent { $0.replacing(/:[0-9]+\//, with: ":9/") }
        case .redirectWithUserinfo: return try await bent { $0.replacing("://", with: "://evil@") }
        case .replayedState, .callbackTwice: return try await again(withNewCode: attack == .replayedState)
        case .stateOfAnotherSession:
            let (victim, attacker) = (try await person(), try await person())
            let (address, state) = try await begin(victim)
            let code = try #require(try await approve(address).code)
            return Outcome(answer: try await complete(code, state, by: attacker), victim: attacker)
        case .codeOfAnotherProvider, .wrongIssuer, .pkceDowngrade, .callbackWithoutBearer:
            return try await misused(attack)
        case .deviceCodeGuessed:
            let (victim, attacker) = (try await person(), try await person())
            let flow = try #require(
                try await victim.send("POST", "/scrobbling/trakt/device").json["flow"] as? String)
            // Another person's flow, and one that is made up.
            let theirs = try await attacker.send("POST", "/scrobbling/trakt/device/\(flow)")
            let madeUp = try await attacker.send("POST", "/scrobbling/trakt/device/\(UUID().uuidString.lowercased())")
            #expect(theirs.json["result"] as? String == madeUp.json["result"] as? String, "they can be told apart")
            return Outcome(answer: madeUp.json["result"] as? String ?? "\(madeUp.status)", victim: attacker)
        }
    }

    /// Repeats the callback, unchanged or with a fresh code: the connection stays, and nothing new is connected.
    private func again(withNewCode: Bool) async throws -> Outcome {
        let victim = try await person()
        let (address, state) = try await begin(victim)
        let code = try #require(try await approve(address).code)
        #expect(try await complete(code, state, by: victim) == "connected")
        if !withNewCode {
            return Outcome(answer: try await complete(code, state, by: victim), victim: victim, wasConnected: true)
        }
        _ = try await victim.send("DELETE", "/scrobbling/connections/trakt")
        let fresh = try #require(try await approve(address).code)
        return Outcome(answer: try await complete(fresh, state, by: victim), victim: victim)
    }

    private func misused(_ attack: Attack) async throws -> Outcome {
        let stack = try #require(Stack.current)
        let victim = try await person()
        var (address, state) = try await begin(victim)
        if attack == .pkceDowngrade {
            address = address.replacing(/&code_challenge=[^&]*&code_challenge_method=S256/, with: "")
        }
        let code = try #require(try await approve(address).code)
        let answer =
            switch attack {
            case .codeOfAnotherProvider: try await complete("a-code-of-another-provider", state, by: victim)
            case .wrongIssuer: try await complete(code, state, iss: "https://evil.example", by: victim)
            case .callbackWithoutBearer:
                try await complete(code, state, by: PublicClient(try stack.service("gateway").port))
            default: try await complete(code, state, by: victim)
            }
        return Outcome(answer: answer, victim: victim)
    }

    @Test("Twelve attacks on connecting an account: each is refused, and none connects anything")
    func attacks() async throws {
        var refused = 0
        for attack in Attack.allCases {
            let outcome = try await carryOut(attack)
            let isRefused = outcome.answer == Self.expected[attack]
            #expect(isRefused, "\(attack): \(outcome.answer)")
            let isConnected = try await isConnected(outcome.victim)
            #expect(isConnected == outcome.wasConnected, "\(attack): connected")
            if isRefused, isConnected == outcome.wasConnected { refused += 1 }
        }
        print("attacks on connecting an account: \(refused) of \(Attack.allCases.count) refused")
        #expect(refused == 12)
    }
}
