package import Contracts
import Cryptography
import JSON
import NIOHTTP1
package import Store

/// Reads a person's lists at Trakt, page by page, within Trakt's rate limits.
package struct TraktReader: RemoteReader {
    package let shape = RemoteShape.trakt
    private let http: TraktHTTP
    private let tokens: any TokenSource
    private let allowance: any ReadAllowance
    private let clock: any WallClock
    /// The pauses before transient failures are retried.
    private let pauses: [Duration]

    package init(
        http: TraktHTTP, tokens: any TokenSource, allowance: any ReadAllowance, clock: any WallClock,
        pauses: [Duration] = TraktLimits.readPauses
    ) {
        self.pauses = pauses
        self.clock = clock
        self.http = http
        self.tokens = tokens
        self.allowance = allowance
    }

    package func account(of lane: LaneKey) async throws(ReadTrouble) -> RemoteAccount {
        guard let account = TraktRows.account(try await get("users/settings", lane).body) else {
            throw .wait(.seconds(60), "Trakt does not say whose account it is")
        }
        return account
    }

    /// What Trakt says happened last, by group and kind.
    package func activities(of lane: LaneKey) async throws(ReadTrouble) -> RemoteActivities {
        let answer = try await get("sync/last_activities", lane)
        guard let value = try? decodeJSON(JSONValue.self, from: answer.body), value.object != nil else {
            throw .broken("the activities cannot be read")
        }
        return TraktRows.activities(value, clockSkew: answer.date.map { clock.now.duration(to: $0) })
    }

    /// The watchlist is read as a whole: the count that comes with one kind is that of all kinds (recorded in 2026), so
    /// that missing rows would go unnoticed.
    package func lists(
        _ facet: SyncFacet, _ kinds: [TitleKind], from day: CalendarDate?, of lane: LaneKey
    ) async throws(ReadTrouble) -> [TitleKind: RemoteReading] {
        guard facet == .watchlist else {
            var readings: [TitleKind: RemoteReading] = [:]
            for kind in kinds {
                readings[kind] = try await list(TraktRows.path(facet, kind, from: day), lane) { _ in (facet, kind) }
            }
            return readings
        }
        let whole = try await list(TraktRows.path(facet, nil, from: nil), lane) { row in
            TraktRows.kind(of: row).map { (facet, $0) }
        }
        return Dictionary(
            uniqueKeysWithValues: kinds.map { kind in
                let rows = whole.rows.filter { $0.item.kind == kind }
                return (kind, RemoteReading(rows: rows, tally: whole.tally, unreadable: whole.unreadable))
            })
    }

    // MARK: Pages

    private func list(
        _ path: String, _ lane: LaneKey, means: (JSONValue) -> (facet: SyncFacet, kind: TitleKind)?
    ) async throws(ReadTrouble) -> RemoteReading {
        var tally = PageTally()
        var rows: [RemoteRow] = []
        var unreadable = 0
        for number in 1...TraktLimits.pagesMax {
            let answer = try await get(
                "\(path)\(path.contains("?") ? "&" : "?")page=\(number)&limit=\(TraktLimits.pageRows)", lane)
            guard let page = try? decodeJSON(JSONValue.self, from: answer.body), case .array(let items) = page else {
                throw .broken("a page cannot be read")
            }
            for item in items {
                // An item that is not a title, such as a person, is skipped.
                guard let meant = means(item) else { continue }
                if let row = TraktRows.row(item, meant.facet, meant.kind) { rows.append(row) } else { unreadable += 1 }
            }
            tally.add(
                PageTally.Page(
                    number: answer.page.number ?? number, rowCount: items.count, limit: answer.page.limit,
                    pageCount: answer.page.pageCount, itemCount: answer.page.itemCount))
            if !tally.wantsMore { break }
        }
        // A row read twice moved between pages meanwhile, and another may have moved the other way.
        if tally.isOfManyPages, Set(rows.map(\.name)).count < rows.count { tally.tear() }
        return RemoteReading(rows: rows, tally: tally, unreadable: unreadable)
    }

    /// Returns an answer with status 200; a refused token is replaced once. Transient failures are retried: one of
    /// hundreds of pages would otherwise cost everything read before it.
    private func get(_ path: String, _ lane: LaneKey) async throws(ReadTrouble) -> TraktAnswer {
        var token = try usable(await tokens.token(of: lane))
        var isRenewed = false
        var pausesLeft = pauses[...]
        while true {
            guard await allowance.take(lane) else { throw .wait(.seconds(60), "the allowance for reads is used up") }
            let failure: String
            switch await http.call(.GET, path, token: token, until: .now + TraktLimits.readTimeout) {
            case .untried, .unreachable: throw .wait(.seconds(60), "Trakt cannot be reached")
            case .brokeOff: failure = "a call to Trakt broke off"
            case .answered(let answer):
                failure = "Trakt answered \(answer.status)\(answer.isHTML ? " with a web page" : "")"
                switch answer.reply(now: clock.now) {
                case .delivered where answer.status == 200: return answer
                case .askUser(.needsReauth) where !isRenewed:
                    token = try usable(await tokens.renewed(of: lane, instead: token))
                    isRenewed = true
                    continue
                case .askUser(let trouble): throw .askUser(trouble)
                case .barred(let cause): throw .barred(cause)
                case .wait(let time, let reason): throw .wait(time, reason)
                case .ambiguous, .broken: break
                default: throw .broken(failure)
                }
            }
            guard let pause = pausesLeft.popFirst() else { throw .broken(failure) }
            do { try await Task.sleep(for: pause) } catch { throw .wait(.zero, "stopping") }
        }
    }

    private func usable(_ state: TokenState) throws(ReadTrouble) -> Secret {
        switch state {
        case .good(let token): return token
        case .wait(let time, let reason): throw .wait(time, reason)
        case .none(let trouble): throw .askUser(trouble)
        }
    }
}
