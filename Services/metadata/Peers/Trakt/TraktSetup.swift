import Cryptography
import Runtime

extension ProviderSetup {
    private static let url = ConfigKey<String>.url(
        "REELAY_TRAKT_URL", default: ProviderProfile.trakt.baseURL, "Base URL of the Trakt API.")
    private static let clientID = ConfigKey<Secret?>.optionalSecret(
        "REELAY_TRAKT_CLIENT_ID", "Client id of your Trakt application; without it Trakt is off.")

    static let trakt = ProviderSetup(.trakt, keys: [url.definition, clientID.definition]) { values, http, now in
        values[clientID].map { id in
            TraktClient(settings: TraktSettings(url: values[url], clientID: id), http: http, nowMilliseconds: now)
        }
    }
}
