import Cryptography
import Runtime

extension ProviderSetup {
    private static let url = ConfigKey<String>.url(
        "REELAY_TVDB_URL", default: ProviderProfile.tvdb.baseURL, "Base URL of the TVDb API.")
    private static let key = ConfigKey<Secret?>.optionalSecret(
        "REELAY_TVDB_API_KEY", "TVDb key (version 4); without it TVDb is off.")
    private static let pin = ConfigKey<Secret?>.optionalSecret(
        "REELAY_TVDB_CLIENT_SECRET", "Subscriber's PIN, for TVDb keys that require one.")

    static let tvdb = ProviderSetup(.tvdb, keys: [url.definition, key.definition, pin.definition]) {
        values, http, now in
        values[key].map { key in
            TVDbClient(
                settings: TVDbSettings(url: values[url], key: key, pin: values[pin]), http: http, nowMilliseconds: now)
        }
    }
}
