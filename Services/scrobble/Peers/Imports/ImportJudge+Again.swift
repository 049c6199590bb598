import Contracts
import RPC
import Store

/// What a later file says of what an earlier one brought.
extension ImportJudge {
    /// Plays that older files have on another day stay where they are.
    func settled(
        _ verdicts: [PlayVerdict], _ effects: inout Effects, _ aCase: Case, until deadline: ContinuousClock.Instant
    ) async throws(ImportTrouble) -> [PlayVerdict] {
        let moved = verdicts.indices.filter { if case .moved = verdicts[$0] { true } else { false } }
        guard !moved.isEmpty, try await isOvertaken(&effects, aCase, until: deadline) else { return verdicts }
        var settled = verdicts
        for index in moved {
            settled[index] = .known(verdicts[index].play)
            effects.outdated.insert(effects.plays[index].effect.row)
        }
        return settled
    }

    /// What stands beside plays that are here, and would be told anew.
    func weigh(
        notes effects: inout Effects, _ verdicts: [PlayVerdict], _ aCase: Case, _ outcomes: inout ImportVerdicts,
        until deadline: ContinuousClock.Instant
    ) async throws(ImportTrouble) {
        // Of two rows about one play the first that says something is written.
        var told: [PlayID: Int] = [:]
        for (index, verdict) in verdicts.enumerated() {
            switch verdict {
            case .same(let play), .known(let play), .moved(let play):
                let effect = effects.plays[index].effect
                guard !effect.note.told.isEmpty, PlayID(effect.key) != play else { continue }
                if let other = told[play] {
                    guard effects.plays[other].effect.note.isEmpty, !effect.note.isEmpty else { continue }
                }
                told[play] = index
            case .new, .removed: continue
            }
        }
        guard !told.isEmpty else { return }
        let plays = Array(told.keys)
        let known = try await asking { () throws(StoreError) in
            try await store.notes(of: plays, aCase.user, until: deadline)
        }
        for (play, index) in told {
            let effect = effects.plays[index].effect
            guard let there = known[play] else {
                if !effect.note.isEmpty { outcomes.note(.update, row: effect.row) }
                continue
            }
            // What another road has told stays.
            guard there.source == aCase.source.rawValue, effect.note.differs(from: there.note) else { continue }
            if try await isOvertaken(&effects, aCase, until: deadline) {
                effects.outdated.insert(effect.row)
            } else {
                outcomes.note(.update, row: effect.row)
                if effect.note.isEmpty { effects.emptied.insert(effect.row) }
                if effect.note.told.contains(.rating) { effects.ratedBefore[effect.row] = there.note.rating }
            }
        }
    }

    /// The version of a rating here that was changed where it came from; nil where it stays.
    func edited(
        _ rating: ImportPlan.Rating, _ there: Rating, _ effects: inout Effects, _ aCase: Case,
        until deadline: ContinuousClock.Instant
    ) async throws(ImportTrouble) -> Int? {
        guard aCase.source == .letterboxd, let version = there.version,
            RatingComparison.isEdited(rating, there, entry: effects.ratedBefore[rating.row])
        else { return nil }
        if there.source == .undo, try await !wasBrought(there, aCase.user) { return nil }
        return try await isOvertaken(&effects, aCase, until: deadline) ? nil : version
    }

    /// Whether what an undo has put back came from Letterboxd, as the changes of the title tell; what they do not tell of any more
    /// stays as it is.
    private func wasBrought(_ there: Rating, _ user: UserID) async throws(ImportTrouble) -> Bool {
        do throws(RPCError) {
            let changes = try await ratings.listTimeline(
                ListTimelineParams(user: user, title: there.title, limit: Self.changesMax),
                RPCCall.within(store.limits.stepTimeout)
            ).changes
            let origin = changes.first {
                $0.source != .undo && $0.rating == there.rating && $0.ratedAt == there.ratedAt
            }
            return origin?.source == .letterboxd
        } catch {
            throw .unavailable("ratings: \(error.message)")
        }
    }

    /// Changes of one title that are looked at, the latest first.
    private static let changesMax = 50

    /// Whether newer files of the same source have been brought in; asked once for a page.
    func isOvertaken(
        _ effects: inout Effects, _ aCase: Case, until deadline: ContinuousClock.Instant
    ) async throws(ImportTrouble) -> Bool {
        if let known = effects.isOvertaken { return known }
        let found = try await asking { () throws(StoreError) in
            try await store.isOvertaken(
                aCase.batch, of: aCase.user, from: aCase.source.rawValue, asOf: aCase.asOf, until: deadline)
        }
        effects.isOvertaken = found
        return found
    }
}
