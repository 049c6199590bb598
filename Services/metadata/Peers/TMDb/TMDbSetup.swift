import Cryptography
import Runtime

extension ProviderSetup {
    private static let url = ConfigKey<String>.url(
        "REELAY_TMDB_URL", default: "https://api.themoviedb.org/3", "Base URL of the TMDb API.")
    private static let key = ConfigKey<Secret?>.optionalSecret(
        "REELAY_TMDB_API_KEY", "TMDb key (version 3) or read access token; without it TMDb is off.")

    static let tmdb = ProviderSetup(.tmdb, keys: [url.definition, key.definition]) { values, http, now in
        values[key].map { key in
            TMDbClient(settings: TMDbSettings(url: values[url], key: key), http: http, nowMilliseconds: now)
        }
    }
}
