import Cryptography
import Runtime

extension ProviderSetup {
    private static let url = ConfigKey<String>.url(
        "REELAY_LETTERBOXD_URL", default: ProviderProfile.letterboxd.baseURL, "Base URL of the Letterboxd API.")
    private static let clientID = ConfigKey<Secret?>.optionalSecret(
        "REELAY_LETTERBOXD_CLIENT_ID",
        "Letterboxd client id; Letterboxd is off unless this and the client secret are set.")
    private static let clientSecret = ConfigKey<Secret?>.optionalSecret(
        "REELAY_LETTERBOXD_CLIENT_SECRET", "Letterboxd client secret.")

    static let letterboxd = ProviderSetup(
        .letterboxd, keys: [url.definition, clientID.definition, clientSecret.definition]
    ) { values, http, now in
        guard let id = values[clientID], let secret = values[clientSecret] else { return nil }
        let settings = LetterboxdSettings(url: values[url], clientID: id, clientSecret: secret)
        return LetterboxdClient(settings: settings, http: http, nowMilliseconds: now)
    }
}
