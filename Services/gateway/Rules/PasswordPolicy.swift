/// Which passwords are refused: no composition rules (OWASP ASVS 6.2), only what a guesser tries first.
package enum PasswordPolicy {
    /// Why a password is refused.
    package enum Fault: Sendable, Hashable {
        case common
        case containsUsername

        /// What a person is told.
        package var explanation: String {
            switch self {
            case .common: "This password is among the first that anybody would guess."
            case .containsUsername: "The password must not contain the user name."
            }
        }
    }

    /// The first reason to refuse `password` for `username`; nil where there is none. Length is the contract's matter.
    package static func fault(_ password: String, username: Username) -> Fault? {
        let lowered = password.lowercased()
        if isCommon(lowered) { return .common }
        if username.key.utf8.count >= 4, lowered.contains(username.key) { return .containsUsername }
        return nil
    }

    /// Whether `password` (lower case) is one repeated character, a run of the keyboard or the alphabet, or one of the
    /// words that head every leaked list, bare or with digits and marks hung on.
    private static func isCommon(_ password: String) -> Bool {
        if Set(password).count <= 2 { return true }
        if runs.contains(where: { $0.contains(password) || String($0.reversed()).contains(password) }) { return true }
        let core = String(password.drop { !$0.isLetter }.reversed().drop { !$0.isLetter }.reversed())
        return words.contains(password) || words.contains(core) || words.contains(unLeeted(core))
    }

    /// `p4ssw0rd` is `password` to a guesser.
    private static func unLeeted(_ word: String) -> String {
        String(word.map { digits[$0] ?? $0 })
    }

    private static let digits: [Character: Character] = [
        "0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i",
    ]

    private static let runs = [
        "01234567890123456789", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm",
        "qwertzuiopasdfghjklyxcvbnm",
        "azertyuiopqsdfghjklmwxcvbn", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "1q2w3e4r5t6y7u8i9o0p",
    ]

    private static let words: Set<String> = [
        "password", "passwort", "motdepasse", "contrasena", "wachtwoord", "passw0rd", "passphrase", "secret", "geheim",
        "letmein", "welcome", "willkommen", "bienvenue", "iloveyou", "admin", "administrator", "root", "user", "guest",
        "login", "master", "dragon", "monkey", "sunshine", "princess", "football", "baseball", "basketball", "superman",
        "batman", "starwars", "pokemon", "trustno", "whatever", "freedom", "shadow", "michael", "jennifer", "jordan",
        "charlie", "ashley", "computer", "internet", "qwerty", "qwertz", "azerty", "asdfgh", "zxcvbn", "changeme",
        "default", "testtest", "test", "testing", "hello", "hallo", "bonjour", "summer", "winter", "spring", "autumn",
        "sommer", "january", "february", "march", "april", "august", "september", "october", "november", "december",
        "monday", "friday", "sunday", "liverpool", "chelsea", "arsenal", "barcelona", "juventus", "mustang", "ferrari",
        "mercedes", "corvette", "harley", "hunter", "killer", "soccer", "hockey", "cookie", "chocolate", "pepper",
        "ginger", "butterfly", "flower", "rainbow", "diamond", "jesus", "samsung", "google", "facebook", "linkedin",
        "twitter", "youtube", "reelay", "movies", "netflix", "jellyfin", "plex", "trakt", "letterboxd",
    ]
}
