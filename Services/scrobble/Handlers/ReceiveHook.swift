import Contracts
import Cryptography
import RPC
import Store

/// `scrobble.receiveHook`: stores what a media server sent and answers at once; the worker does the rest.
struct ReceiveHook: Sendable {
    let store: HookStore
    let secrets: HookSecrets
    let worker: HookWorker
    let clock: any WallClock

    func run(_ params: ReceiveHookParams, _ context: RPCContext) async throws(RPCError) -> HookReceipt {
        let now = clock.now
        let place = try await place(of: params.secret, now, context)
        if let fault = params.fault {
            try await refuse(Self.reason(fault), place, now, context)
            return HookReceipt(outcome: .ignored, reason: Self.reason(fault))
        }
        let payload = params.payload ?? ""
        guard payload.utf8.count <= HookLimits.payloadBytesMax, let reading = HookReading(Array(payload.utf8)) else {
            try await refuse("not in any format that is understood", place, now, context)
            throw .unreadableHook("neither a Plex, Jellyfin or Emby event nor one in our own format")
        }
        let fingerprints = reading.fingerprintSalts(receivedAt: now).map { salt in
            var digest = SHA256()
            digest.update(Array(salt.utf8))
            digest.update(Array("\n\(payload)".utf8))
            return digest.finish()
        }
        let receipt: HookStore.Receipt?
        do {
            receipt = try await store.receive(
                payload, reading, at: place, fingerprints: fingerprints, now: now, until: context.deadline)
        } catch .conflict {
            // The owner has just left.
            receipt = nil
        } catch {
            throw error.asRPCError
        }
        return try answer(receipt)
    }

    private func place(
        of secret: String, _ now: Timestamp, _ context: RPCContext
    ) async throws(RPCError) -> HookPlace {
        var place: HookPlace?
        if let digest = secrets.digest(of: secret) {
            place = try await asking { () throws(StoreError) in
                try await store.opened(by: digest, at: now, until: context.deadline)
            }
        }
        guard let place else { throw .hookNotFound("no hook has this secret") }
        return place
    }

    private func answer(_ receipt: HookStore.Receipt?) throws(RPCError) -> HookReceipt {
        switch receipt {
        case .accepted(let id):
            worker.announce()
            return HookReceipt(outcome: .accepted, delivery: id)
        case .repeated: return HookReceipt(outcome: .repeated)
        case .quarantined(let id):
            return HookReceipt(
                outcome: .quarantined, delivery: id, reason: "the account is not assigned to anybody yet")
        case .ignored(let reason): return HookReceipt(outcome: .ignored, reason: reason)
        case .otherServer: throw .otherServer("this hook belongs to another server")
        case .tooManyAccounts: throw .tooMany("the hook has already heard from \(HookLimits.accountsMax) accounts")
        case nil: throw .hookNotFound("no hook has this secret")
        }
    }

    private func refuse(
        _ reason: String, _ place: HookPlace, _ now: Timestamp, _ context: RPCContext
    ) async throws(RPCError) {
        try await asking { () throws(StoreError) in
            try await store.refuse(reason, at: place, now: now, until: context.deadline)
        }
    }

    private static func reason(_ fault: HookFault) -> String {
        switch fault {
        case .tooLarge: "too large"
        case .wrongType: "a content type that is not understood"
        case .unreadable: "a form without the part that holds the event"
        }
    }
}
