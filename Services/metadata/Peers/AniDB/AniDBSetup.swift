import Cryptography
import Runtime

extension ProviderSetup {
    private static let url = ConfigKey<String>.url(
        "REELAY_ANIDB_URL", default: ProviderProfile.anidb.baseURL, "Base URL of the AniDB API.")
    private static let clientID = ConfigKey<Secret?>.optionalSecret(
        "REELAY_ANIDB_CLIENT_ID",
        "Name and version of a client registered with AniDB, such as reelay/1; without it AniDB is off.")

    static let anidb = ProviderSetup(.anidb, keys: [url.definition, clientID.definition]) { values, http, now in
        values[clientID].map { client in
            AniDBClient(settings: AniDBSettings(url: values[url], client: client), http: http, nowMilliseconds: now)
        }
    }
}
