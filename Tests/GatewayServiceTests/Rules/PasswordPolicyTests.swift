import Testing

@testable import GatewayService

@Suite struct PasswordPolicyTests {
    private let alice = Username("Alice")

    @Test(
        "What a guesser tries first is refused",
        arguments: [
            "password", "Password1", "P4ssw0rd!", "12345678", "87654321", "qwertyuiop", "aaaaaaaa", "abababab",
            "letmein123",
            "1q2w3e4r", "!Dragon2024!", "abcdefgh", "sunshine99", "Reelay2026!", "jellyfin.12", "L3tterboxd",
        ])
    func common(password: String) {
        #expect(PasswordPolicy.fault(password, username: alice) == .common)
    }

    @Test("The user name is no part of a password")
    func username() {
        #expect(PasswordPolicy.fault("my-ALICE-in-wonderland", username: alice) == .containsUsername)
        #expect(PasswordPolicy.fault("ann of green gables", username: Username("ann")) == nil)
    }

    @Test(
        "Whatever else people think of is taken, without rules on its make-up",
        arguments: ["correct horse battery", "a long and odd phrase", "ключ от квартиры", "kX9#vq2L", "パスワードの長い文"])
    func good(password: String) {
        #expect(PasswordPolicy.fault(password, username: alice) == nil)
    }

    @Test("Names that differ in case only are one name")
    func sameName() {
        #expect(Username("ALICE").key == alice.key)
        #expect(alice.display == "Alice")
    }
}
