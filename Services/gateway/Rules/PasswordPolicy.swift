/// Which passwords are refused: no composition rules (OWASP ASVS 6.2), only what an attacker tries first.
package enum PasswordPolicy {
    /// Why a password is refused.
    package enum Fault: Sendable, Hashable {
        case common
        case containsUsername
        /// Found by `BreachedPasswords`, not by these rules.
        case breached

        /// The message for the person.
        package var explanation: String {
            switch self {
            case .common: "This password is one of the first that anybody would guess."
            case .containsUsername: "The password must not contain the user name."
            case .breached: "This password is known from data breaches; choose another."
            }
        }
    }

    /// The most `PasswordGuess` points with which a password is refused: some ten million guesses.
    private static let guessedPointsMax = 7

    /// Returns the first reason to refuse `password` for `username`; nil if there is none. The contract limits length.
    package static func fault(_ password: String, username: Username) -> Fault? {
        let lowered = password.lowercased()
        // One or two characters in any order, however many.
        if Set(lowered).count <= 2 { return .common }
        let name = username.key
        let parts = [name[...]] + name.split { !$0.isLetter }
        let names = parts.filter { $0.count >= 3 }.map { String($0) }
        let points = PasswordGuess.points(of: lowered, names: Set(names))
        if points <= guessedPointsMax { return .common }
        if name.count >= 4, PasswordGuess.holds(name, lowered) { return .containsUsername }
        return nil
    }
}
