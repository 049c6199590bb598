import AsyncHTTPClient
package import Contracts
import Cryptography
import JSON
import NIOHTTP1
package import Store

/// Delivers jobs to Trakt.
package struct TraktWriter: RemoteWriter {
    /// Looks up titles' external ids; nil while they cannot be looked up.
    package typealias Titles = @Sendable ([TitleID]) async -> [TitleID: ExternalIds]?

    private let http: TraktHTTP
    private let titles: Titles
    private let tokens: any TokenSource
    private let allowance: any ReadAllowance
    private let clock: any WallClock
    /// Trakt accepts one write a second from each person.
    package let pace: Duration

    /// The maximum number of pages of a history that are read.
    static let pagesMax = 40
    /// The number of rows requested per page.
    static let pageLimit = 250
    /// The number of tries after which reading a whole history that does not finish within a call is given up.
    static let wholeTriesMax = 4

    package init(
        http: TraktHTTP, titles: @escaping Titles, tokens: any TokenSource, allowance: any ReadAllowance,
        clock: any WallClock, pace: Duration = .milliseconds(1_100)
    ) {
        self.allowance = allowance
        self.http = http
        self.titles = titles
        self.tokens = tokens
        self.clock = clock
        self.pace = pace
    }

    package func send(_ parcel: Parcel) async -> [JobReply] {
        let token: Secret
        switch await tokens.token(of: parcel.lane) {
        case .good(let good): token = good
        case .wait(let time, let reason): return parcel.jobs.map { _ in .wait(time, reason) }
        case .none(let trouble): return parcel.jobs.map { _ in .askUser(trouble) }
        }
        let replies = await send(parcel, token)
        // The token may have been withdrawn or replaced; try once more with another.
        guard replies.contains(.askUser(.needsReauth)) else { return replies }
        switch await tokens.renewed(of: parcel.lane, instead: token) {
        case .good(let other): return await send(parcel, other)
        case .wait(let time, let reason): return parcel.jobs.map { _ in .wait(time, reason) }
        case .none(let trouble): return parcel.jobs.map { _ in .askUser(trouble) }
        }
    }

    private func send(_ parcel: Parcel, _ token: Secret) async -> [JobReply] {
        guard let titles = await titles(Array(Set(parcel.jobs.map(\.title)))) else {
            return parcel.jobs.map { _ in .notTaken("titles cannot be looked up") }
        }
        let forms = parcel.jobs.map { job in titles[job.title].map { TraktCalls.forms($0) } ?? [] }
        let known = zip(parcel.jobs, forms).compactMap { job, forms in forms.first.map { (job: job, ids: $0) } }
        guard let first = known.first?.job else { return forms.map { _ in Self.noIDs } }
        var sent: [JobReply]
        if first.action == .removePlay {
            sent = await remove(known.map(\.job), titles, token, parcel)
        } else {
            sent = await send(known, token, parcel)
            sent = await sendAgain(known, forms.filter { !$0.isEmpty }, sent, token, parcel)
        }
        var next = sent.makeIterator()
        return forms.map { $0.isEmpty ? Self.noIDs : next.next() ?? .untried }
    }

    private static let noIDs = JobReply.refused("no id of the title that Trakt knows")
    private static let unknown = JobReply.refused("Trakt does not know the title")
    private static let tooLong = JobReply.refused("the history is too long to search")

    private func send(_ jobs: [TraktCalls.Named], _ token: Secret, _ parcel: Parcel) async -> [JobReply] {
        guard let first = jobs.first?.job else { return [] }
        let isLate = TraktCalls.isLate(first, now: clock.now)
        guard let call = TraktCalls.call(first.action, jobs, isLate: isLate) else {
            return jobs.map { _ in .refused("Trakt has no such action") }
        }
        return replies(await post(call, token, parcel), to: jobs)
    }

    /// Retries titles that Trakt does not know under one id with one other.
    private func sendAgain(
        _ jobs: [TraktCalls.Named], _ forms: [[JSONValue]], _ sent: [JobReply], _ token: Secret, _ parcel: Parcel
    ) async -> [JobReply] {
        let places = sent.indices.filter { sent[$0] == Self.unknown && forms[$0].count > 1 }
        guard !places.isEmpty else { return sent }
        do { try await Task.sleep(for: pace) } catch { return sent }
        let others = await send(places.map { (job: jobs[$0].job, ids: forms[$0][1]) }, token, parcel)
        var replies = sent
        for (place, reply) in zip(places, others) {
            // With another token only these must be sent again, never what the first call delivered.
            replies[place] = reply == .askUser(.needsReauth) ? .untried : reply
        }
        return replies
    }

    private func replies(_ outcome: Outcome, to jobs: [TraktCalls.Named]) -> [JobReply] {
        switch outcome {
        case .failed(let reply): return jobs.map { _ in reply }
        case .answered(let answer):
            let reply = answer.reply(now: clock.now)
            // A scrobble of an unknown title.
            if answer.status == 404 { return jobs.map { _ in Self.unknown } }
            guard reply == .delivered, let body = try? decodeJSON(JSONValue.self, from: answer.body) else {
                return jobs.map { _ in reply }
            }
            return jobs.map { TraktCalls.isUnknown($0, in: body) ? Self.unknown : reply }
        }
    }

    /// Removes single plays by the ids of their rows, all in one write. A sync knows the exact row; other jobs find it
    /// by its time.
    private func remove(
        _ jobs: [QueueJob], _ titles: [TitleID: ExternalIds], _ token: Secret, _ parcel: Parcel
    ) async -> [JobReply] {
        let sought = jobs.filter { $0.payload.theirs == nil }
        var plays: [TraktPlay] = []
        if !sought.isEmpty {
            switch await history(of: sought, token, parcel) {
            case .failure(let failure): return jobs.map { _ in failure.reply }
            case .success(let found): plays = found
            }
        }
        let now = clock.now
        let removal = TraktRemoval(
            jobs.map { job in
                if let row = job.payload.theirs { return [row] }
                let ids = titles[job.title] ?? ExternalIds()
                return plays.filter {
                    $0.isOf(ids) && TraktProof.isMade($0, by: job, sentAt: job.payload.watchedAt ?? now)
                }.map { Int64($0.id) }
            })
        guard let call = removal.call else { return removal.replies(.delivered) }
        switch await post(call, token, parcel) {
        case .failed(let reply): return removal.replies(reply)
        case .answered(let answer): return removal.replies(answer.reply(now: now))
        }
    }

    package func look(for parcel: Parcel) async -> [LookReply] {
        let token: Secret
        switch await tokens.token(of: parcel.lane) {
        case .good(let good): token = good
        case .wait(let time, let reason): return parcel.jobs.map { _ in .failed(.wait(time, reason)) }
        case .none(let trouble): return parcel.jobs.map { _ in .failed(.askUser(trouble)) }
        }
        let replies = await look(for: parcel, token)
        guard replies.contains(.failed(.askUser(.needsReauth))),
            case .good(let other) = await tokens.renewed(of: parcel.lane, instead: token)
        else { return replies }
        return await look(for: parcel, other)
    }

    private func look(for parcel: Parcel, _ token: Secret) async -> [LookReply] {
        guard let titles = await titles(Array(Set(parcel.jobs.map(\.title)))) else {
            return parcel.jobs.map { _ in .failed(.notTaken("titles cannot be looked up")) }
        }
        // If the history is too long to be read for undated plays, that must not affect the others.
        let dated = parcel.jobs.filter { $0.payload.watchedAt != nil || $0.action == .stop }
        let undated = parcel.jobs.filter { $0.payload.watchedAt == nil && $0.action != .stop }
        var found: [UUIDBits: LookReply] = [:]
        for jobs in [dated, undated] where !jobs.isEmpty {
            let replies = await look(for: jobs, titles, token, parcel)
            for (job, reply) in zip(jobs, replies) { found[job.id] = reply }
        }
        return parcel.jobs.map { found[$0.id] ?? .failed(.untried) }
    }

    private func look(
        for jobs: [QueueJob], _ titles: [TitleID: ExternalIds], _ token: Secret, _ parcel: Parcel
    ) async -> [LookReply] {
        switch await history(of: jobs, token, parcel) {
        case .failure(let failure): return jobs.map { _ in .failed(failure.reply) }
        case .success(let plays):
            let now = clock.now
            return jobs.map { job in
                guard let ids = titles[job.title] else { return .failed(Self.noIDs) }
                let sentAt = now.advanced(by: .zero - job.state.sinceSent)
                let isThere = plays.contains { $0.isOf(ids) && TraktProof.isMade($0, by: job, sentAt: sentAt) }
                return isThere ? .found : .absent
            }
        }
    }

    // MARK: Reading

    private struct Failure: Error {
        let reply: JobReply
    }

    /// Trakt's plays of the days around the jobs, complete or a failure: whatever is missing here is sent again.
    private func history(
        of jobs: [QueueJob], _ token: Secret, _ parcel: Parcel
    ) async -> Result<[TraktPlay], Failure> {
        var plays: [TraktPlay] = []
        let givesUp = jobs.allSatisfy { $0.state.retryCount > Self.wholeTriesMax }
        for reading in TraktReading.all(for: jobs, now: clock.now) {
            switch await history(reading, token, parcel, givesUp: givesUp) {
            case .failure(let failure): return .failure(failure)
            case .success(let found): plays += found
            }
        }
        return .success(plays)
    }

    private func history(
        _ reading: TraktReading, _ token: Secret, _ parcel: Parcel, givesUp: Bool
    ) async -> Result<[TraktPlay], Failure> {
        var path = "sync/history/\(reading.isOfFilms ? "movies" : "episodes")?limit=\(Self.pageLimit)"
        if let days = reading.days {
            path += "&start_at=\(Self.day(days.lowerBound, -1))&end_at=\(Self.day(days.upperBound, 2))"
        }
        var plays: [TraktPlay] = []
        for page in 1...Self.pagesMax {
            guard await allowance.spend(parcel.lane) else {
                // Counted, so that waits grow and parcels shrink: a retry as soon as a few reads are available would
                // use them up and never finish.
                let isTooLong = givesUp && reading.days == nil && page > 1
                return .failure(
                    Failure(reply: isTooLong ? Self.tooLong : .notTaken("the allowance for reads is used up")))
            }
            switch await call(.GET, path + "&page=\(page)", nil, token, until: parcel.deadline) {
            case .failed(let reply):
                // Retrying would hold up the connection and everything behind it.
                let isTooLong = givesUp && reading.days == nil && page > 1 && parcel.deadline <= .now
                return .failure(Failure(reply: isTooLong ? Self.tooLong : reply))
            case .answered(let answer):
                guard answer.status == 200, let rows = try? decodeJSON(JSONValue.self, from: answer.body) else {
                    let reply = answer.reply(now: clock.now)
                    return .failure(
                        Failure(reply: reply == .delivered ? .ambiguous("the history is unreadable") : reply))
                }
                plays += rows.array.compactMap { TraktPlay($0) }
                let isFull = rows.array.count >= answer.page.limit ?? min(Self.pageLimit, 100)
                let isFollowed = answer.page.pageCount.map { page < $0 } ?? false
                if rows.array.isEmpty || !isFull && !isFollowed { return .success(plays) }
            }
        }
        return .failure(Failure(reply: Self.tooLong))
    }

    private static func day(_ date: CalendarDate, _ days: Int) -> String {
        (CalendarDate(daysSinceEpoch: date.daysSinceEpoch + days) ?? date).description
    }

    // MARK: Calling

    private enum Outcome {
        case answered(TraktAnswer)
        case failed(JobReply)
    }

    private func post(_ call: TraktCall, _ token: Secret, _ parcel: Parcel) async -> Outcome {
        let body = HTTPClientRequest.Body.guarded(encodeJSON(call.body), by: parcel.isOurs)
        return await self.call(.POST, call.path, body, token, until: parcel.deadline)
    }

    private func call(
        _ method: HTTPMethod, _ path: String, _ body: HTTPClientRequest.Body?, _ token: Secret,
        until deadline: ContinuousClock.Instant
    ) async -> Outcome {
        switch await http.call(method, path, body, token: token, until: deadline) {
        case .answered(let answer): .answered(answer)
        case .untried: .failed(.untried)
        case .unreachable: .failed(.notTaken("Trakt cannot be reached"))
        case .brokeOff: .failed(.ambiguous("the call to Trakt broke off"))
        }
    }
}
