import Contracts
import RPC
import Store

/// `scrobble.lookUpTitleStates`: the states of titles for several people, in one statement, unless the caller already
/// knows them.
struct LookUpTitleStates: Sendable {
    let watch: WatchStore

    func run(_ params: LookUpTitleStatesParams, _ context: RPCContext) async throws(RPCError) -> StatesOfPeople {
        guard params.wanted.lazy.map(\.titles.count).reduce(0, +) <= LedgerLimits.lookUpTitlesMax else {
            throw .invalidParams("params.wanted: asks about more than \(LedgerLimits.lookUpTitlesMax) titles")
        }
        guard !params.wanted.isEmpty else { return StatesOfPeople(people: []) }
        let rows = try await asking { () throws(StoreError) in
            try await watch.states(wanted: params.wanted, until: context.deadline)
        }
        var people: [StatesOfPerson] = []
        people.reserveCapacity(params.wanted.count)
        for row in rows {
            if row.index == people.count {
                people.append(StatesOfPerson(version: row.version, states: row.isKnown ? nil : []))
            }
            if let state = row.state { people[row.index].states?.append(TitleState(state)) }
        }
        return StatesOfPeople(data: rows.first?.data, people: people)
    }
}
