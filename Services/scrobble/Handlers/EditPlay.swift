import Contracts
import RPC
import Store

/// `scrobble.editPlay`: changes when a play was.
struct EditPlay: Sendable {
    let ledger: LedgerStore
    let queue: QueueWorker
    let clock: any WallClock

    func run(_ params: EditPlayParams, _ context: RPCContext) async throws(RPCError) -> Play {
        let now = clock.now
        let said = PlayDates.Said(
            watchedAt: params.watchedAt, watchedOn: params.watchedOn, unknownDate: params.unknownDate,
            timeZone: params.timeZone)
        guard !said.isNothing else {
            throw .contradictoryValues("one of watched_at, watched_on and unknown_date must be given")
        }
        let moment = try await PlayDates(ledger: ledger, now: now).moment(said, context)
        let edited = try await asking { () throws(StoreError) in
            try await ledger.edit(
                params.play, to: moment, timeZone: params.timeZone ?? "UTC", by: .person(params.user, at: now),
                until: context.deadline)
        }
        guard let edited else { throw .playNotFound("there is no such play") }
        queue.announce()
        return edited
    }
}
