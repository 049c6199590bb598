import Contracts

extension UserSettings {
    /// The settings of a person who has changed none.
    static let standard = UserSettings(ratingScale: .tenDecimal, hideOutsideScores: false, language: "en")

    /// Returns the settings with what `change` names.
    func applying(_ change: UserSettingsChange) -> UserSettings {
        UserSettings(
            ratingScale: change.ratingScale ?? ratingScale,
            hideOutsideScores: change.hideOutsideScores ?? hideOutsideScores, language: change.language ?? language)
    }
}
