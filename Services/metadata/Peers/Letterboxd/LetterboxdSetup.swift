import Cryptography
import Runtime

extension ProviderSetup {
    private static let url = ConfigKey<String>.url(
        "REELAY_LETTERBOXD_URL", default: ProviderProfile.letterboxd.baseURL, "Where Letterboxd is asked.")
    private static let clientID = ConfigKey<Secret?>.optionalSecret(
        "REELAY_LETTERBOXD_CLIENT_ID", "Client id at Letterboxd; without it and its secret Letterboxd is off.")
    private static let clientSecret = ConfigKey<Secret?>.optionalSecret(
        "REELAY_LETTERBOXD_CLIENT_SECRET", "Client secret at Letterboxd.")

    static let letterboxd = ProviderSetup(
        .letterboxd, keys: [url.definition, clientID.definition, clientSecret.definition]
    ) { values, http, now in
        guard let id = values[clientID], let secret = values[clientSecret] else { return nil }
        let settings = LetterboxdSettings(url: values[url], clientID: id, clientSecret: secret)
        return LetterboxdClient(settings: settings, http: http, nowMilliseconds: now)
    }
}
