import Foundation
import Stack
import Testing

extension StackPlan {
    /// Two gateways: one that compares new passwords with breached ones, and one that does not.
    fileprivate static let askingAndNot: StackPlan = {
        var plan = StackPlan()
        plan.copies["gateway"] = 2
        plan.settingsOf["gateway"] = ["REELAY_REGISTRATION": "open"]
        plan.settingsOfCopy["gateway"] = [1: ["REELAY_BREACHED_PASSWORDS": "false"]]
        return plan
    }()
}

/// Breached passwords over HTTP, with an emulated Pwned Passwords beside the gateway.
@Suite(.stack(.askingAndNot), .serialized)
struct BreachedPasswordJourneyTests {
    /// In the emulator's list.
    private static let breached = "correct horse battery staple"

    private func gateway(_ copy: Int) throws -> StackProcess {
        try #require(Stack.current?.copies["gateway"]?[copy])
    }

    /// The paths that Pwned Passwords was asked for.
    private func asked() async throws -> [String] {
        let port = try #require(Stack.current).upstreams.port
        let book = try await Wire.send("GET", "http://127.0.0.1:\(port)/control/book?provider=pwned")
        let json = try #require(try JSONSerialization.jsonObject(with: book.body) as? [String: Any])
        return try #require(json["entries"] as? [[String: Any]]).compactMap { $0["path"] as? String }
    }

    @Test("A breached password is refused at registration and at a change, unless that is off; then nobody is asked")
    func refused() async throws {
        let asking = PublicClient(try gateway(0).port)
        let breached = try await FaultMetric(
            #"breached_password_checks_total{outcome="breached"}"#, of: try gateway(0))
        let before = try await asked()
        let refused = try await asking.send(
            "POST", "/auth/register", #"{"username":"ada","password":"\#(Self.breached)"}"#)
        #expect(refused.status == 422 && refused.json["code"] as? String == "weakPassword", "\(refused.answer.text)")
        #expect(refused.answer.text.contains("known from data breaches"), "\(refused.answer.text)")
        let ada = try await asking.registered("ada")
        func change(_ old: String, _ new: String) async throws -> PublicClient.Answer {
            try await ada.send("POST", "/auth/password", #"{"current_password":"\#(old)","new_password":"\#(new)"}"#)
        }
        #expect(try await change("a long and odd phrase", Self.breached).json["code"] as? String == "weakPassword")
        #expect(try await change("a long and odd phrase", "a newer odd phrase").status == 204)
        _ = try await asking.loggedIn("ada", "a newer odd phrase")
        try await breached.rises(by: 2)
        let paths = try await asked().dropFirst(before.count)
        #expect(paths.count == 4 && paths.allSatisfy { $0.wholeMatch(of: /\/range\/[0-9A-F]{5}/) != nil }, "\(paths)")

        let silent = PublicClient(try gateway(1).port)
        _ = try await silent.registered("bert", Self.breached)
        #expect(try await asked().count == before.count + 4)
    }

    @Test("Where Pwned Passwords is broken, people register with what the local rules take, and that is counted")
    func broken() async throws {
        let unasked = try await FaultMetric(#"breached_password_checks_total{outcome="unasked"}"#, of: try gateway(0))
        let port = try #require(Stack.current).upstreams.port
        let fault = #"{"provider":"pwned","kind":"status","status":500,"times":1}"#
        #expect(try await Wire.send("POST", "http://127.0.0.1:\(port)/control/faults", body: fault).status == 201)
        _ = try await PublicClient(try gateway(0).port).registered("cleo", Self.breached)
        try await unasked.rises()
    }
}
