import Cryptography
import Runtime

extension ProviderSetup {
    private static let url = ConfigKey<String>.url(
        "REELAY_MYANIMELIST_URL", default: ProviderProfile.myanimelist.baseURL, "Base URL of the MyAnimeList API.")
    private static let clientID = ConfigKey<Secret?>.optionalSecret(
        "REELAY_MYANIMELIST_CLIENT_ID", "MyAnimeList client id; without it MyAnimeList is off.")

    static let myanimelist = ProviderSetup(.myanimelist, keys: [url.definition, clientID.definition]) {
        values, http, now in
        values[clientID].map { id in
            MyAnimeListClient(
                settings: MyAnimeListSettings(url: values[url], clientID: id), http: http, nowMilliseconds: now)
        }
    }
}
