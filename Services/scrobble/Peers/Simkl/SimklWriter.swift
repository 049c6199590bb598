import AsyncHTTPClient
package import Contracts
import Cryptography
import JSON
import NIOHTTP1
package import Store

/// Delivers jobs to Simkl. An item has one date and one rating there, so repeating a write that may have arrived
/// changes nothing, and nothing has to be looked for.
package struct SimklWriter: RemoteWriter {
    /// Looks up titles and what they are called elsewhere; nil while they cannot be looked up.
    package typealias Titles = @Sendable ([TitleID]) async -> [TitleID: TitleQuery]?
    /// Looks up the latest play that stands here of each title of a person's jobs; nil while that is impossible.
    package typealias Standing = @Sendable (UserID, [UUIDBits]) async -> [UUIDBits: StandingPlay]?

    private let http: SimklHTTP
    private let titles: Titles
    private let standing: Standing
    private let mirror: SimklMirrorStore
    private let tokens: any TokenSource
    private let clock: any WallClock
    /// Simkl accepts one write a second and blocks faster callers.
    package let pace: Duration

    package init(
        http: SimklHTTP, titles: @escaping Titles, standing: @escaping Standing, mirror: SimklMirrorStore,
        tokens: any TokenSource, clock: any WallClock, pace: Duration = .milliseconds(1_100)
    ) {
        self.http = http
        self.titles = titles
        self.standing = standing
        self.mirror = mirror
        self.tokens = tokens
        self.clock = clock
        self.pace = pace
    }

    package func send(_ parcel: Parcel) async -> [JobReply] {
        switch await tokens.token(of: parcel.lane) {
        case .wait(let time, let reason): return parcel.jobs.map { _ in .wait(time, reason) }
        case .none(let trouble): return parcel.jobs.map { _ in .askUser(trouble) }
        case .good(let token):
            let replies = await send(parcel, token)
            // Somebody else may have renewed the token, which invalidates the old one at once.
            guard replies.contains(.askUser(.needsReauth)) else { return replies }
            switch await tokens.renewed(of: parcel.lane, instead: token) {
            case .good(let other): return await send(parcel, other)
            case .wait(let time, let reason): return parcel.jobs.map { _ in .wait(time, reason) }
            case .none(let trouble): return parcel.jobs.map { _ in .askUser(trouble) }
            }
        }
    }

    /// Reports every job as absent, so that what was in flight when its worker died is sent again.
    package func look(for parcel: Parcel) async -> [LookReply] { parcel.jobs.map { _ in .absent } }

    private func send(_ parcel: Parcel, _ token: Secret) async -> [JobReply] {
        guard let told = await dated(parcel) else {
            return parcel.jobs.map { _ in .notTaken("the plays cannot be looked up") }
        }
        let refusals = told.map { SimklCalls.refusal($0.action, $0.kind) }
        guard refusals.contains(nil) else { return refusals.map { .refused($0 ?? "") } }
        guard let titles = await titles(Array(Set(parcel.jobs.map(\.title)))) else {
            return parcel.jobs.map { _ in .notTaken("titles cannot be looked up") }
        }
        let named = zip(told, refusals).map { job, refusal -> SimklCalls.Named? in
            guard refusal == nil, let title = titles[job.title], SimklCalls.isNameable(title) else { return nil }
            return (job: job, title: title)
        }
        // A call has one action; jobs with another one go with the next call.
        let action = named.lazy.compactMap(\.self).first?.job.action
        let jobs = named.compactMap(\.self).filter { $0.job.action == action }
        var replies: [JobReply] = []
        if action == .removeFromWatchlist {
            replies = await takeOff(jobs, token, parcel)
        } else if let action, let first = jobs.first,
            let call = SimklCalls.call(action, jobs, isLate: TraktCalls.isLate(first.job, now: clock.now))
        {
            replies = self.replies(await post(call, token, parcel), to: jobs)
        }
        var next = replies.makeIterator()
        return zip(named, refusals).map { named, refusal in
            guard let named else { return .refused(refusal ?? "no id of the title that Simkl knows") }
            return named.job.action == action ? next.next() ?? .untried : .untried
        }
    }

    /// Rewrites jobs about plays where a title has one date: to the latest play that stands here, whichever was added,
    /// edited or removed. Nil while it cannot be looked up.
    private func dated(_ parcel: Parcel) async -> [QueueJob]? {
        let now = clock.now
        let plays = parcel.jobs.filter { SimklCalls.writesHistory($0.action, isLate: TraktCalls.isLate($0, now: now)) }
        guard !plays.isEmpty else { return parcel.jobs }
        guard let standing = await standing(parcel.lane.user, plays.map(\.id)) else { return nil }
        return parcel.jobs.map { job in standing[job.id].map { job.telling(of: $0) } ?? job }
    }

    // MARK: Off the watchlist

    /// There a title leaves its lists with everything it has. Only one with nothing else is removed; one that was
    /// watched returns to the list of what is watched. What a title has is what was read last plus any later changes.
    private func takeOff(_ jobs: [SimklCalls.Named], _ token: Secret, _ parcel: Parcel) async -> [JobReply] {
        let library: [SimklRows.Item]
        switch await self.library(token, parcel) {
        case .read(let items): library = items
        case .unread(let reply): return jobs.map { _ in reply }
        }
        let steps = jobs.map { SimklRows.leaving($0.title, among: library) }
        var (bare, moving): ([SimklCalls.Named], [(named: SimklCalls.Named, list: String, watchedAt: String?)])
        (bare, moving) = ([], [])
        for (job, step) in zip(jobs, steps) {
            switch step {
            case .bare: bare.append(job)
            case .moves(let list, let watchedAt): moving.append((job, list, watchedAt))
            case .gone, .rated: break
            }
        }
        // A call is one write; titles to be moved go with the next one.
        var told: [JobReply] = []
        if let call = bare.isEmpty ? nil : SimklCalls.call(.removeFromWatchlist, bare, isLate: false) {
            told = replies(await post(call, token, parcel), to: bare)
        } else if !moving.isEmpty {
            told = replies(await post(SimklCalls.moving(moving), token, parcel), to: moving.map(\.named))
        }
        var (next, gone) = (told.makeIterator(), [Int64]())
        let all = steps.map { step -> JobReply in
            switch step {
            case .gone: return .alreadyThere
            case .rated: return .refused("Simkl would remove the title's rating, too, so it stays on the list there")
            case .moves: return bare.isEmpty ? next.next() ?? .untried : .untried
            case .bare(let simkl):
                let reply = next.next() ?? .untried
                if reply == .delivered { gone.append(simkl) }
                return reply
            }
        }
        if !gone.isEmpty {
            do throws(StoreError) {
                try await mirror.drop(gone, of: parcel.lane.user, until: .now + Self.queryTimeout)
            } catch {
                // Retry, which changes nothing there.
                return zip(all, steps).map { reply, step in
                    if case .bare = step { .notTaken("the database: \(error)") } else { reply }
                }
            }
        }
        return all
    }

    private enum Library {
        case read([SimklRows.Item])
        /// The reply to the jobs that the library was needed for.
        case unread(JobReply)
    }

    private static let unknown = Library.unread(.notTaken("what Simkl has about the titles cannot be looked up"))

    /// The current library, if it has been read before. Whatever prevents the read prevents the write, too.
    private func library(_ token: Secret, _ parcel: Parcel) async -> Library {
        let kept: [SimklRows.Item]
        let stamps: SimklStamps?
        do throws(StoreError) {
            let deadline = ContinuousClock.now + Self.queryTimeout
            stamps = try await mirror.stamps(of: parcel.lane.user, until: deadline)
            kept = try await mirror.items(of: parcel.lane.user, in: SimklRows.groups, until: deadline)
        } catch {
            return Self.unknown
        }
        guard let stamps, !stamps.all.isEmpty else { return Self.unknown }
        let path = "sync/all-items?date_from=\(CodeAuthorization.escaped(stamps.all))&\(SimklReader.wholly())"
        let outcome = await http.call(.GET, path, token: token, until: parcel.deadline)
        guard case .answered(let answer) = outcome else { return .unread(reply(outcome)) }
        switch answer.reply {
        case .delivered where answer.status == 200:
            guard let body = answer.library, let (items, unreadable) = SimklRows.items(body), unreadable == 0 else {
                return Self.unknown
            }
            let changed = Set(items.map(\.simkl))
            return .read(items + kept.filter { !changed.contains($0.simkl) })
        // Any other refusal concerns the read and says nothing about the jobs.
        case .askUser, .wait: return .unread(answer.reply)
        default: return Self.unknown
        }
    }

    private static let queryTimeout = Duration.seconds(10)

    private func replies(_ outcome: SimklHTTP.Outcome, to jobs: [SimklCalls.Named]) -> [JobReply] {
        let reply = reply(outcome)
        guard reply == .delivered, case .answered(let answer) = outcome else { return jobs.map { _ in reply } }
        // Every write is answered with its result. If one is not, whether it arrived is unknown, and it is sent again.
        guard let body = answer.outcome else {
            return jobs.map { _ in .notTaken("Simkl does not say what happened to it (\(answer.status))") }
        }
        return jobs.map {
            SimklCalls.isUnknown($0.title, in: body) ? .refused("Simkl does not know the title") : reply
        }
    }

    private func reply(_ outcome: SimklHTTP.Outcome) -> JobReply {
        switch outcome {
        case .untried: .untried
        case .held(let time): .wait(time, SimklAnswer.blocked)
        case .unreachable: .notTaken("Simkl cannot be reached")
        case .brokeOff: .notTaken("the call to Simkl broke off")
        case .answered(let answer): answer.reply
        }
    }

    private func post(_ call: SimklCall, _ token: Secret, _ parcel: Parcel) async -> SimklHTTP.Outcome {
        await http.call(
            .POST, call.path, .guarded(encodeJSON(call.body), by: parcel.isOurs), token: token, until: parcel.deadline)
    }
}
