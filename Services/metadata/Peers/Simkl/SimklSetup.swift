import Cryptography
import Runtime

extension ProviderSetup {
    private static let url = ConfigKey<String>.url(
        "REELAY_SIMKL_URL", default: ProviderProfile.simkl.baseURL, "Base URL of the Simkl API.")
    private static let clientID = ConfigKey<Secret?>.optionalSecret(
        "REELAY_SIMKL_CLIENT_ID", "Client id of your Simkl application; without it Simkl is off.")
    private static let isOn = ConfigKey<Bool>.flag(
        "REELAY_SIMKL_METADATA", default: false,
        "Whether to also get scores from Simkl; its terms expect login and sync, not metadata alone.")

    static let simkl = ProviderSetup(.simkl, keys: [url.definition, clientID.definition, isOn.definition]) {
        values, http, now in
        guard values[isOn], let id = values[clientID] else { return nil }
        return SimklClient(settings: SimklSettings(url: values[url], clientID: id), http: http, nowMilliseconds: now)
    }
}
