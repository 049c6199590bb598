import TestSupport
import Testing

@testable import GatewayService

@Suite struct PasswordPolicyTests {
    private let alice = Username("Alice")

    @Test(
        "What a guesser tries first is refused",
        arguments: [
            // Words, as they are, reversed, doubled, in other spellings, with something at either end.
            "password", "Password1", "P4ssw0rd!", "pa$$w0rd!", "M0nkey!!", "drowssap1", "passwordpassword",
            "hellohello", "hello_hello", "lovelove", "letmein123", "12password", "2000password", "!!password!!",
            "Admin@123", "Welcome01", "iloveyou2", "trustno1", "dragonmaster", "monkey12345678", "sunshine99",
            "!Dragon2024!", "пароль123",
            // Names, teams, months and seasons with a year; dates.
            "superman1984", "Summer2024!", "winter-2023", "January#2023", "liverpool1892", "Barcelona.2019",
            "john01011990", "19870412", "01011990",
            // Keyboard runs, in rows, columns and diagonals, alternating hands, from key to key; alphabetical and
            // numerical ones.
            "12345678", "87654321", "0987654321", "13579246", "abcdefgh", "qwertyuiop", "zxcvbnm1", "йцукенгш",
            "!@#$%^&*", "1q2w3e4r", "q1w2e3r4", "1qaz2wsx", "zaq12wsx", "qazwsxedc", "1qaz2wsx3edc4rfv", "qweasdzxc",
            "qawsedrf", "147258369", "asdf1234", "1234qwer", "abcd1234", "a1b2c3d4", "123456789a", "a123456789",
            "aa123456", "qwertz123", "azerty2024",
            // Repetitions.
            "aaaaaaaa", "abababab", "123123123", "abcabcabc", "12341234", "qwe123qwe123", "11223344", "aabbccdd",
            "aaa111bbb", "999888777", "kX9#kX9#",
            // This service and its neighbours; the person's own name.
            "reelay2026", "Reelay2026!", "Reelay!123", "netflix123", "jellyfin.12", "L3tterboxd", "alice123",
            "ecila1234",
        ])
    func common(password: String) {
        #expect(PasswordPolicy.fault(password, username: alice) == .common)
    }

    @Test("The user name is no part of a password, in whatever spelling")
    func username() {
        for password in ["my-ALICE-in-wonderland", "my-4l1ce-in-wonderland"] {
            #expect(PasswordPolicy.fault(password, username: alice) == .containsUsername, "\(password)")
        }
        #expect(PasswordPolicy.fault("ann of green gables", username: Username("ann")) == nil)
        // A part of the name alone is a word to a guesser.
        #expect(PasswordPolicy.fault("marvin1234", username: Username("marvin.hopper")) == .common)
        #expect(PasswordPolicy.fault("marvin1234", username: alice) == nil)
    }

    @Test(
        "Whatever else people think of is taken, without rules on its make-up",
        arguments: [
            "correct horse battery", "a long and odd phrase", "an odd phrase of mine", "ключ от квартиры", "kX9#vq2L",
            "パスワードの長い文", "marigold-kettle", "summer rain on tin roofs", "sunshine on the pier", "winter coat, torn",
            "love letters in braille", "qwerty is not my layout", "password managers are fine", "trees in the desert",
            "we were there", "7 tea cups, 2 spoons", "stack of blue plates", "dragon eats moon cheese", "blue7fisher",
            "harbour lights", "ocean bench", "Tr0ub4dor&3", "xkqjvbzm", "J8s!m2Qz", "kX9#vq2LkX9#vq2L", "84713902",
        ])
    func good(password: String) {
        #expect(PasswordPolicy.fault(password, username: alice) == nil)
    }

    @Test("Four words at random are taken, common ones too, and so are twelve characters at random")
    func random() {
        var random = SeededRandom(seed: UInt64.random(in: 0 ... .max))
        let seed = random.seed
        let common = ["dragon", "summer", "monkey", "football", "shadow", "cookie", "purple", "tiger", "charlie"]
        let starts = ["b", "c", "d", "f", "gr", "l", "m", "pl", "st", "t", "w"]
        let ends = ["n", "t", "rs", "ll", "m", ""]
        func one(of parts: [String]) -> String { parts.randomElement(using: &random) ?? "" }
        func syllable() -> String { one(of: starts) + one(of: ["a", "e", "i", "o", "u"]) + one(of: ends) }
        func word() -> String {
            Int.random(in: 0..<4, using: &random) == 0 ? one(of: common) : syllable() + syllable()
        }
        let characters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
        for _ in 0..<500 {
            var words: Set<String> = []
            while words.count < 4 { words.insert(word()) }
            let phrase = words.sorted().joined(separator: one(of: [" ", "-", ""]))
            #expect(PasswordPolicy.fault(phrase, username: alice) == nil, "seed \(seed): \(phrase)")
            let jumble = String((0..<12).map { _ in characters.randomElement(using: &random) ?? "a" })
            #expect(PasswordPolicy.fault(jumble, username: alice) == nil, "seed \(seed): \(jumble)")
        }
    }

    @Test("The longest that may be sent, 256 characters, is weighed in no time")
    func longest() {
        let clock = ContinuousClock()
        for part in ["abc", "qwertz", "a1b", "passw0rd", "aaaaaaab", "kX9#vq2L", "aaa"] {
            let password = String(String(repeating: part, count: 86).prefix(254) + "bc")
            let spent = clock.measure { _ = PasswordPolicy.fault(password, username: alice) }
            #expect(spent < .seconds(2), "\(part): \(spent)")
        }
    }

    @Test("Names that differ in case only are one name")
    func sameName() {
        #expect(Username("ALICE").key == alice.key)
        #expect(alice.display == "Alice")
    }
}
