import AsyncHTTPClient
package import Contracts
import Cryptography
import JSON
import NIOHTTP1
package import Store

/// Takes jobs to Simkl. There is one date for each item there and one rating, so that writing again what may have arrived
/// changes nothing; nothing has to be looked for.
package struct SimklWriter: RemoteWriter {
    /// The titles with what they are called elsewhere; nil while nobody can be asked.
    package typealias Titles = @Sendable ([TitleID]) async -> [TitleID: TitleQuery]?

    private let http: SimklHTTP
    private let titles: Titles
    private let tokens: any TokenSource
    private let clock: any WallClock
    /// Simkl takes one write a second; who is faster is blocked.
    package let pace: Duration

    package init(
        http: SimklHTTP, titles: @escaping Titles, tokens: any TokenSource, clock: any WallClock,
        pace: Duration = .milliseconds(1_100)
    ) {
        self.http = http
        self.titles = titles
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
            // The token may have been renewed by somebody else, which ends the old one at once.
            guard replies.contains(.askUser(.needsReauth)) else { return replies }
            switch await tokens.renewed(of: parcel.lane, instead: token) {
            case .good(let other): return await send(parcel, other)
            case .wait(let time, let reason): return parcel.jobs.map { _ in .wait(time, reason) }
            case .none(let trouble): return parcel.jobs.map { _ in .askUser(trouble) }
            }
        }
    }

    /// What was under way when its worker died is sent again.
    package func look(for parcel: Parcel) async -> [LookReply] { parcel.jobs.map { _ in .absent } }

    private func send(_ parcel: Parcel, _ token: Secret) async -> [JobReply] {
        guard let first = parcel.jobs.first else { return [] }
        let refusals = parcel.jobs.map { SimklCalls.refusal($0.action, $0.kind) }
        guard refusals.contains(nil) else { return refusals.map { .refused($0 ?? "") } }
        guard let titles = await titles(Array(Set(parcel.jobs.map(\.title)))) else {
            return parcel.jobs.map { _ in .notTaken("titles cannot be looked up") }
        }
        let named = zip(parcel.jobs, refusals).map { job, refusal -> SimklCalls.Named? in
            guard refusal == nil, let title = titles[job.title], SimklCalls.isNameable(title) else { return nil }
            return (job: job, title: title)
        }
        let jobs = named.compactMap(\.self)
        let isLate = TraktCalls.isLate(first, now: clock.now)
        var replies: [JobReply] = []
        if let call = SimklCalls.call(first.action, jobs, isLate: isLate) {
            replies = self.replies(await post(call, token, parcel), to: jobs)
        }
        var next = replies.makeIterator()
        return zip(named, refusals).map { title, refusal in
            if title != nil { return next.next() ?? .untried }
            return .refused(refusal ?? "nothing that Simkl knows the title by")
        }
    }

    private func replies(_ outcome: SimklHTTP.Outcome, to jobs: [SimklCalls.Named]) -> [JobReply] {
        switch outcome {
        case .untried: return jobs.map { _ in .untried }
        case .unreachable: return jobs.map { _ in .notTaken("Simkl cannot be reached") }
        case .brokeOff: return jobs.map { _ in .notTaken("the call to Simkl broke off") }
        case .answered(let answer):
            let reply = answer.reply
            guard reply == .delivered, let body = answer.json else { return jobs.map { _ in reply } }
            return jobs.map {
                SimklCalls.isUnknown($0.title, in: body) ? .refused("Simkl does not know the title") : reply
            }
        }
    }

    private func post(_ call: SimklCall, _ token: Secret, _ parcel: Parcel) async -> SimklHTTP.Outcome {
        await http.call(
            .POST, call.path, .guarded(encodeJSON(call.body), by: parcel.isOurs), token: token, until: parcel.deadline)
    }
}
