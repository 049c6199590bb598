import Contracts

/// The addresses of hooks: one for all of them, with the secret in a header field, and where the installation takes
/// those, one of each hook's own that ends in its secret.
struct HookAddresses: Sendable, Hashable {
    /// The address of all hooks, that of `deliverHook`.
    static let common = "/api/v1/hooks/deliver"

    /// Whether addresses that end in a secret are taken.
    let areTaken: Bool

    /// Returns a hook with the address that it can be reached at.
    func shown(at hook: NewHook) -> NewHook {
        var hook = hook
        if !areTaken { hook.path = Self.common }
        return hook
    }
}
