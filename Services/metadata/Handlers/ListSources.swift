import Contracts
import RPC

/// `metadata.listSources`: the providers, the scores that each supplies, and the attribution that each is owed.
struct ListSources: Sendable {
    let providers: ProviderPanel

    func run(_ params: ListSourcesParams, _ context: RPCContext) -> SourceList {
        let on = Set(providers.providers)
        let all = ProviderID.allCases.filter { params.provider.map(ProviderID.init) ?? $0 == $0 }
        return SourceList(
            sources: all.map { provider in
                let profile = ProviderProfile.of(provider)
                return SourceInfo(
                    provider: Provider(provider), name: profile.name, enabled: on.contains(provider),
                    reason: on.contains(provider) ? nil : reason(profile), attribution: profile.attribution,
                    link: profile.link, sources: profile.sources.map(RatingSource.init))
            })
    }

    /// Returns why a provider is off, and what would switch it on.
    private func reason(_ profile: ProviderProfile) -> String {
        guard !providers.switchedOff.contains(profile.provider) else {
            return "It is switched off by REELAY_PROVIDERS_OFF."
        }
        let settings = profile.needs.map { profile.settingName($0.rawValue) }
        let needs = "It needs \(settings.joined(separator: " and "))"
        return profile.isOnByDefault ? "\(needs)." : "\(needs) and has to be switched on."
    }
}
