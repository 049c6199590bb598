import Contracts
import RPC
import Store

/// `scrobble.addPlay`: a person writes down a play: now, at a moment, on a day, or at some time.
struct AddPlay: Sendable {
    let ledger: LedgerStore
    let titles: TitleLookup
    let queue: QueueWorker
    let clock: any WallClock
    let ids: any IDSource

    func run(_ params: AddPlayParams, _ context: RPCContext) async throws(RPCError) -> PlayAdded {
        let title = try await titles.title(params.title, context)
        guard PlayableKind(title.kind) != nil else {
            throw .wrongKind("a \(title.kind.rawValue) cannot be watched in one go, only films and episodes can")
        }
        let now = clock.now
        let moment = try await moment(params, now, context)
        // The same call again, under the same key, is the same play.
        let source = PlaySource(name: PlayMatcher.byHand, key: context.idempotencyKey ?? "\(ids.next())")
        let play = IncomingPlay(
            title: title.id, kind: title.kind, moment: moment, percent: nil,
            runtimeMinutes: title.runtimeMinutes.map { Int($0) }, source: source)
        let arrival = LedgerStore.Arrival(
            user: params.user, timeZone: params.timeZone ?? "UTC", batch: nil, at: now, isByHand: true, plays: [play],
            telling: true)
        do {
            guard let verdict = try await ledger.add(arrival, until: context.deadline).first else {
                throw RPCError.internal("the ledger gave no verdict")
            }
            queue.announce()
            return PlayAdded(play: verdict.play, isNew: verdict == .new(verdict.play))
        } catch let error as StoreError {
            if case .conflict(constraint: "person_deleted") = error { throw .userNotFound("this account was deleted") }
            throw error.asRPCError
        } catch let error as RPCError {
            throw error
        } catch {
            throw RPCError.internal("the service failed; its log says why").because(
                "a play was stored without an answer")
        }
    }

    private func moment(
        _ params: AddPlayParams, _ now: Timestamp, _ context: RPCContext
    ) async throws(RPCError) -> PlayMoment {
        let given = [params.watchedAt != nil, params.watchedOn != nil, params.unknownDate == true].filter(\.self)
        guard given.count <= 1 else {
            throw .invalidParams("params: at most one of watched_at, watched_on and unknown_date may be given")
        }
        if params.unknownDate == true { return .unknown }
        let latest = now.advanced(by: .seconds(300))
        if let day = params.watchedOn {
            // Somewhere it is tomorrow already.
            guard day <= latest.advanced(by: .seconds(14 * 3_600)).date else {
                throw .dateInFuture("watched_on: \(day) lies ahead")
            }
            return .day(day)
        }
        let at = params.watchedAt ?? now
        guard at <= latest else { throw .dateInFuture("watched_at: \(at) lies ahead") }
        return .second(at, day: try await day(of: at, in: params.timeZone, context))
    }

    private func day(
        of moment: Timestamp, in timeZone: String?, _ context: RPCContext
    ) async throws(RPCError) -> CalendarDate {
        guard let timeZone, timeZone != "UTC" else { return moment.date }
        do {
            return try await ledger.days(of: [moment], in: timeZone, until: context.deadline).first ?? moment.date
        } catch .fault {
            throw .unknownTimeZone("nobody knows the time zone \(timeZone)")
        } catch {
            throw error.asRPCError
        }
    }
}
