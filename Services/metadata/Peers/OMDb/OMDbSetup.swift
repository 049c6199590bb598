import Cryptography
import Runtime

extension ProviderSetup {
    private static let url = ConfigKey<String>.url(
        "REELAY_OMDB_URL", default: "https://www.omdbapi.com", "Base URL of the OMDb API.")
    private static let key = ConfigKey<Secret?>.optionalSecret(
        "REELAY_OMDB_API_KEY",
        "OMDb key; without it OMDb is off, and so are scores from IMDb, Rotten Tomatoes and Metacritic.")

    static let omdb = ProviderSetup(.omdb, keys: [url.definition, key.definition]) { values, http, now in
        values[key].map { key in
            OMDbClient(settings: OMDbSettings(url: values[url], key: key), http: http, nowMilliseconds: now)
        }
    }
}
