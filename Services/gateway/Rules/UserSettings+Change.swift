import Contracts

extension UserSettings {
    /// What holds for a person who has set nothing.
    static let standard = UserSettings(ratingScale: .tenDecimal, hideOutsideScores: false, language: "en")

    /// With what `change` names.
    func applying(_ change: UserSettingsChange) -> UserSettings {
        UserSettings(
            ratingScale: change.ratingScale ?? ratingScale,
            hideOutsideScores: change.hideOutsideScores ?? hideOutsideScores, language: change.language ?? language)
    }
}
