import Cryptography
import Foundation
import Stack
import Testing

extension StackPlan {
    /// Two gateways with open registration on one database: one where the second factor is optional, and one that
    /// requires it.
    fileprivate static let optionalAndRequired: StackPlan = {
        var plan = StackPlan()
        plan.copies["gateway"] = 2
        plan.settingsOf["gateway"] = ["REELAY_REGISTRATION": "open"]
        plan.settingsOfCopy["gateway"] = [1: ["REELAY_SECOND_FACTOR": "required"]]
        return plan
    }()
}

extension PublicClient {
    /// Turns on a second factor as an app does; returns the code generator and the recovery codes.
    func enrolled() async throws -> (totp: TOTP, codes: [String]) {
        let begun = try await send("POST", "/users/me/second-factor")
        guard let secret = begun.json["secret"] as? String, let totp = Base32.decode(secret).flatMap({ TOTP($0) })
        else {
            throw StackError("no second factor: \(begun.answer.text)")
        }
        let confirmed = try await send(
            "POST", "/users/me/second-factor/confirm", #"{"code":"\#(Self.code(totp))"}"#)
        guard let codes = confirmed.json["recovery_codes"] as? [String] else {
            throw StackError("not confirmed: \(confirmed.answer.text)")
        }
        return (totp, codes)
    }

    /// The code that the app shows now, or `steps` steps later.
    static func code(_ totp: TOTP, _ steps: Int = 0) -> String {
        totp.code(at: TOTP.step(atUnixSeconds: Int64(Date().timeIntervalSince1970)) + steps)
    }
}

/// TOTP codes in addition to the password, over HTTP.
@Suite(.stack(.optionalAndRequired), .serialized)
struct SecondFactorJourneyTests {
    private static let password = "a long and odd phrase"

    private static func name() -> String { "p" + UUID().uuidString.prefix(12).lowercased() }

    private func gateway(_ copy: Int = 0, token: String? = nil) throws -> PublicClient {
        let copies = try #require(Stack.current?.copies["gateway"])
        return PublicClient(copies[copy].port, token: token)
    }

    private func login(_ name: String, _ code: String? = nil, at copy: Int = 0) async throws -> PublicClient.Answer {
        let shown = code.map { #","code":"\#($0)""# } ?? ""
        return try await gateway(copy).send(
            "POST", "/auth/login", #"{"username":"\#(name)","password":"\#(Self.password)"\#(shown)}"#)
    }

    @Test("A factor is enrolled, wanted, taken once, recovered from and removed")
    func journey() async throws {
        let name = Self.name()
        let first = try await gateway().registered(name, Self.password)
        let other = try await gateway().loggedIn(name, Self.password)
        let begun = try await first.send("POST", "/users/me/second-factor")
        let secret = try #require(begun.json["secret"] as? String, "\(begun.answer.text)")
        #expect(
            begun.json["otpauth_url"] as? String
                == "otpauth://totp/Reelay:\(name)?secret=\(secret)&issuer=Reelay&algorithm=SHA1&digits=6&period=30")
        #expect(try await first.send("GET", "/users/me").json["second_factor"] == nil)
        let (totp, codes) = try await first.enrolled()
        #expect(codes.count == 10)
        #expect(try await first.send("GET", "/users/me").json["second_factor"] as? Bool == true)
        #expect(try await other.send("GET", "/users/me").status == 401)

        let missing = try await login(name)
        #expect(missing.status == 401 && missing.json["code"] as? String == "secondFactorRequired")
        // The code of the step after the confirming one is accepted too, so the test need not wait.
        let code = PublicClient.code(totp, 1)
        let good = try await login(name, code)
        #expect(good.status == 200, "\(good.answer.text)")
        #expect((good.json["user"] as? [String: Any])?["second_factor"] as? Bool == true)
        for copy in 0..<2 {
            let again = try await login(name, code, at: copy)
            #expect(again.status == 401 && again.json["code"] as? String == "invalidCredentials")
        }
        let recovered = try await login(name, codes[0].lowercased())
        #expect(recovered.status == 200, "\(recovered.answer.text)")
        #expect(try await login(name, codes[0]).json["code"] as? String == "invalidCredentials")

        let owner = try gateway(token: try #require(recovered.json["token"] as? String))
        let wrong = try await owner.send("POST", "/users/me/second-factor/remove", #"{"code":"\#(codes[0])"}"#)
        #expect(wrong.status == 403 && wrong.json["code"] as? String == "wrongCode")
        let removed = try await owner.send("POST", "/users/me/second-factor/remove", #"{"code":"\#(codes[1])"}"#)
        #expect(removed.status == 204, "\(removed.answer.text)")
        #expect(try await first.send("GET", "/users/me").status == 401)
        #expect(try await login(name).status == 200)
        #expect(try await owner.send("GET", "/users/me").json["second_factor"] == nil)
    }

    @Test("Where it is required, sessions and keys of who has none are good for getting one, and for nothing else")
    func required() async throws {
        let name = Self.name()
        let elsewhere = try await gateway().registered(name, Self.password)
        let made = try await elsewhere.send("POST", "/users/me/api-keys", #"{"name":"k","scopes":["read"]}"#)
        let key = try #require(made.json["token"] as? String, "\(made.answer.text)")
        let session = try gateway(1, token: elsewhere.token)
        for client in [session, try gateway(1, token: key)] {
            #expect(try await client.send("GET", "/users/me").status == 200)
            for path in ["/home", "/history"] {
                let refused = try await client.send("GET", path)
                #expect(refused.status == 403 && refused.json["code"] as? String == "secondFactorMissing")
            }
        }
        let denied = try await session.send("DELETE", "/users/me/sessions")
        #expect(denied.json["code"] as? String == "secondFactorMissing")
        let (_, codes) = try await session.enrolled()
        #expect(try await session.send("GET", "/history").status == 200)
        #expect(try await gateway(1, token: key).send("GET", "/history").status == 200)
        #expect(
            try await session.send("POST", "/users/me/second-factor/remove", #"{"code":"\#(codes[0])"}"#).status == 204)
        #expect(try await session.send("GET", "/history").json["code"] as? String == "secondFactorMissing")
        _ = try await session.enrolled()
        #expect(try await session.send("GET", "/history").status == 200)
    }

    @Test("Who comes with a printed password changes it first, and gets a factor then")
    func newcomer() async throws {
        let name = Self.name()
        _ = try await gateway().registered(Self.name(), Self.password)
        let process = try #require(Stack.current?.copies["gateway"])[1]
        let printed = try await process.command(["add-user", name]).trimmingCharacters(in: .newlines)
        let answer = try await gateway(1).send(
            "POST", "/auth/login", #"{"username":"\#(name)","password":"\#(printed)"}"#)
        let client = try gateway(1, token: try #require(answer.json["token"] as? String, "\(answer.answer.text)"))
        let early = try await client.send("POST", "/users/me/second-factor")
        #expect(early.status == 403 && early.json["code"] as? String == "passwordChangeRequired")
        let change = #"{"current_password":"\#(printed)","new_password":"\#(Self.password)"}"#
        #expect(try await client.send("POST", "/auth/password", change).status == 204)
        #expect(try await client.send("GET", "/history").json["code"] as? String == "secondFactorMissing")
        _ = try await client.enrolled()
        #expect(try await client.send("GET", "/history").status == 200)
    }

    @Test("Whoever runs the machine takes the factor of who has lost all codes, and a new password leaves it")
    func lost() async throws {
        let name = Self.name()
        let client = try await gateway().registered(name, Self.password)
        _ = try await client.enrolled()
        let process = try #require(Stack.current?.copies["gateway"])[0]
        let said = try await process.command(["remove-second-factor", name])
        #expect(said.contains("was removed"), "\(said)")
        try await Task.sleep(for: .milliseconds(1_100))
        #expect(try await client.send("GET", "/users/me").status == 401)
        #expect(try await login(name).status == 200)
        await #expect(throws: (any Error).self) {
            try await process.command(["remove-second-factor", "nobody-here"])
        }
        let book = try AuditTests.lines(String(contentsOf: process.commandLog, encoding: .utf8))
            .filter { $0["event"] == "remove-second-factor" }
        #expect(book.map { $0["outcome"] } == ["ok", "failed"])

        let again = try await gateway().loggedIn(name, Self.password)
        let (_, codes) = try await again.enrolled()
        let printed = try await process.command(["reset-password", name]).trimmingCharacters(in: .newlines)
        let body = #"{"username":"\#(name)","password":"\#(printed)""#
        let missing = try await gateway().send("POST", "/auth/login", body + "}")
        #expect(missing.json["code"] as? String == "secondFactorRequired", "\(missing.answer.text)")
        #expect(try await gateway().send("POST", "/auth/login", body + #","code":"\#(codes[0])"}"#).status == 200)
    }
}
