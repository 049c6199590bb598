import Contracts
import RPC
import Store

/// What a later file changes in what an earlier one brought.
extension ImportJudge {
    /// Keeps plays where they are if it is an older file that has them on another day.
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

    /// Judges the notes of plays that are already here.
    func weigh(
        notes effects: inout Effects, _ verdicts: [PlayVerdict], _ aCase: Case, _ outcomes: inout ImportVerdicts,
        until deadline: ContinuousClock.Instant
    ) async throws(ImportTrouble) {
        // If two rows are about one play, the first that says something is written.
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
            // A note from another source stays.
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

    /// The version of the rating here that an edit at its source replaces; nil if the rating stays.
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

    /// Whether a rating restored by an undo came from Letterboxd, according to the title's changes; if those no longer
    /// tell, it stays as it is.
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

    /// The number of a title's changes that are looked at, latest first.
    private static let changesMax = 50

    /// Whether newer files of the same source have been imported; looked up once per page.
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
