import Contracts
import Cryptography
import RPC
import Store

/// `scrobble.rotateHook`: replaces the secret. The previous one stays valid for a while, so that no delivery is lost.
struct RotateHook: Sendable {
    let store: HookStore
    let secrets: HookSecrets
    let clock: any WallClock

    func run(_ params: RotateHookParams, _ context: RPCContext) async throws(RPCError) -> NewHook {
        let secret = secrets.make("rotate \(params.hook)", of: params.user, under: context.idempotencyKey)
        let overlap = params.overlapSeconds.map { Duration.seconds($0) } ?? HookLimits.overlapDefault
        let hook = try await asking { () throws(StoreError) in
            try await store.rotate(
                params.hook, of: params.user, to: secret.digest,
                overlapEnds: clock.now.advanced(by: min(overlap, HookLimits.overlapMax)), until: context.deadline)
        }
        guard let hook else { throw .hookNotFound("there is no such hook") }
        return NewHook(hook, secret)
    }
}
