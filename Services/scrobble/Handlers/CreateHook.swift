import Contracts
import Cryptography
import RPC
import Store

/// `scrobble.createHook`: creates an address for a media server.
struct CreateHook: Sendable {
    let store: HookStore
    let secrets: HookSecrets
    let clock: any WallClock

    func run(_ params: CreateHookParams, _ context: RPCContext) async throws(RPCError) -> NewHook {
        let secret = secrets.make("create", of: params.user, under: context.idempotencyKey)
        let hook: Hook?
        do {
            hook = try await store.create(
                params.name, of: params.user, secret: secret.digest, timeZone: params.timeZone ?? "UTC",
                removesPlays: params.removesPlays ?? false, at: clock.now, until: context.deadline)
        } catch .conflict(constraint: "person_deleted") {
            throw .userNotFound("this account was deleted")
        } catch {
            throw error.asRPCError
        }
        guard let hook else { throw .tooMany("you already have \(HookLimits.hooksMax) hooks") }
        guard hook.name == params.name else {
            throw .idempotencyKeyReused("this Idempotency-Key was used for another request")
        }
        return NewHook(hook, secret)
    }
}
