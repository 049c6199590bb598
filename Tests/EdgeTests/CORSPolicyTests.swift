import Testing

@testable import Edge

@Suite struct CORSPolicyTests {
    private let policy = CORSPolicy(origins: ["https://app.example", "http://localhost:5173"])

    @Test("Exactly the origins that are set", arguments: ["https://app.example", "http://localhost:5173"])
    func allowed(origin: String) {
        #expect(policy.answer(to: origin)?.contains { $0 == ("access-control-allow-origin", origin) } == true)
        #expect(policy.preflight(from: origin, methods: ["POST"])?.isEmpty == false)
    }

    @Test(
        "Nothing that only looks like one of them",
        arguments: [
            "null", "*", "", "https://app.example.evil.test", "https://evil.test/https://app.example",
            "http://app.example",
            "https://APP.example", "https://app.example:443", "https://app.example/", "https://sub.app.example",
            "http://localhost", "http://localhost:51730", "https://localhost:5173", "app.example",
            " https://app.example",
        ])
    func refused(origin: String) {
        #expect(policy.answer(to: origin) == nil)
        #expect(policy.preflight(from: origin, methods: ["POST"]) == nil)
    }

    @Test("A wildcard and null cannot be set")
    func wildcards() {
        let policy = CORSPolicy(origins: ["*", "null"])
        #expect(!policy.isOn)
        #expect(policy.answer(to: "null") == nil)
        #expect(policy.answer(to: "*") == nil)
    }

    @Test("An answer never says that it holds for every origin, nor that cookies may come")
    func noCredentials() {
        let fields =
            (policy.answer(to: "https://app.example") ?? [])
            + (policy.preflight(from: "https://app.example", methods: ["GET"]) ?? [])
        #expect(!fields.contains { $0.name == "access-control-allow-credentials" || $0.value == "*" })
        #expect(fields.contains { $0 == ("vary", "Origin") })
    }
}
