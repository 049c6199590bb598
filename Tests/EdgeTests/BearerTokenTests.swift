import Edge
import Testing

@Suite struct BearerTokenTests {
    @Test(
        "One field with the scheme and a token",
        arguments: ["Bearer t", "bearer t", "BEARER    t", "Bearer t ", "Bearer  t  "])
    func read(field: String) { #expect(BearerToken.token(in: [field]) == "t") }

    @Test(
        "Anything else is no token",
        arguments: [
            "", "Bearer", "Bearer ", " Bearer t", "Basic t", "Bearer t u", "Bearer t  u ", "  ", "Bearert", "Bearer\tt",
            "Bearer, t",
        ])
    func refused(field: String) { #expect(BearerToken.token(in: [field]) == nil) }

    @Test("Two fields are none")
    func two() { #expect(BearerToken.token(in: ["Bearer t", "Bearer t"]) == nil) }
}
