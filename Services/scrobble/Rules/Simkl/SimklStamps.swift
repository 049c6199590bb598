package import Contracts
package import JSON

/// When something happened last at Simkl, as Simkl says it. The stamps are compared and sent back as they came, never
/// understood.
package struct SimklStamps: Sendable, Hashable {
    /// What the next reading of changes begins at.
    package var all: String
    /// By group: anything at all.
    package var groups: [String: String] = [:]
    /// By group: ratings and lists, in which an item is shown that has moved.
    package var lists: [String: String] = [:]
    /// By group: items that left all lists, which no reading of changes shows.
    package var removals: [String: String] = [:]
    /// Since when a first reading, of which nothing was kept, is in doubt.
    package private(set) var doubtedAt: Timestamp?
    /// By group: what empty answers of later readings have left open.
    package private(set) var doubts: [String: Doubt] = [:]

    /// Since when nothing is shown of a group, while the activities say the same of it.
    package struct Doubt: Sendable, Hashable {
        let since: Timestamp
        let lists: String
        let removals: String
        /// Whether nothing was left of the group either: that one of the two was said before does not prove the other.
        let isEmptied: Bool
    }

    private static let listNames = ["rated_at", "plantowatch", "watching", "completed", "hold", "dropped"]

    /// Reads `/sync/activities`; nil for what are no activities. Shows are called `tv_shows` here only.
    package init?(_ body: JSONValue) {
        guard body["movies"].object != nil, body["tv_shows"].object != nil else { return nil }
        all = body["all"].string ?? ""
        for group in SimklRows.groups {
            let block = body[group == "shows" ? "tv_shows" : group]
            groups[group] = block["all"].string ?? ""
            let moments = Self.listNames.map { block[$0].string ?? "" }
            lists[group] = moments.allSatisfy(\.isEmpty) ? "" : moments.joined(separator: " ")
            removals[group] = block["removed_from_list"].string ?? ""
        }
    }

    /// A first reading that is in doubt: nothing was read yet.
    package init(doubtedAt moment: Timestamp) {
        all = ""
        doubtedAt = moment
    }

    /// As it is kept.
    package var stored: JSONValue {
        func object(_ stamps: [String: String]) -> JSONValue {
            .object(JSONObject(stamps.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
        }
        var members: [(name: String, value: JSONValue)] = [
            ("all", .string(all)), ("groups", object(groups)), ("lists", object(lists)), ("removals", object(removals)),
        ]
        if let doubtedAt { members.append(("doubted_at", .string(doubtedAt.description))) }
        if !doubts.isEmpty {
            var open = JSONObject()
            for (group, doubt) in doubts.sorted(by: { $0.key < $1.key }) {
                let members: [(name: String, value: JSONValue)] = [
                    ("since", .string(doubt.since.description)), ("lists", .string(doubt.lists)),
                    ("removals", .string(doubt.removals)), ("emptied", .bool(doubt.isEmptied)),
                ]
                open.members.append((group, .object(JSONObject(members))))
            }
            members.append(("doubts", .object(open)))
        }
        return .object(JSONObject(members))
    }

    package init?(stored value: JSONValue) {
        guard let all = value["all"].string else { return nil }
        self.all = all
        doubtedAt = value["doubted_at"].string.flatMap { Timestamp($0) }
        for group in SimklRows.groups {
            groups[group] = value["groups"][group].string ?? ""
            lists[group] = value["lists"][group].string ?? ""
            removals[group] = value["removals"][group].string ?? ""
            let doubt = value["doubts"][group]
            guard let since = doubt["since"].string.flatMap({ Timestamp($0) }) else { continue }
            doubts[group] = Doubt(
                since: since, lists: doubt["lists"].string ?? "", removals: doubt["removals"].string ?? "",
                isEmptied: doubt["emptied"].bool ?? false)
        }
    }

    /// Whether a reading of the whole library shows what the activities name.
    package enum Whole: Sendable, Hashable {
        case shown
        /// This group has lists that nothing was taken off, and no items: it cannot be empty.
        case untrue(String)
        /// This group may be empty, as something was taken off it. One answer is not enough for that: afterwards only changes
        /// are asked for, and what was passed over would never be seen.
        case doubtful(String)
    }

    /// `doubtedAt`: since when the same has been said, if it has.
    package func whole(_ items: [SimklRows.Item], doubtedAt: Timestamp?, now: Timestamp) -> Whole {
        let unshown = SimklRows.groups.filter { group in
            lists[group] != "" && !items.contains { $0.group == group }
        }
        if let group = unshown.first(where: { removals[$0] == "" }) { return .untrue(group) }
        guard let group = unshown.first else { return .shown }
        let isSaidAgain = doubtedAt.map { $0.duration(to: now) >= SimklLimits.doubtTime } ?? false
        return isSaidAgain ? .shown : .doubtful(group)
    }

    /// What is left of a group where items have left, and what was known to be there before.
    package struct Rest: Sendable, Hashable {
        package let left: Set<Int64>
        package let known: Set<Int64>

        package init(left: Set<Int64>, known: Set<Int64>) {
            self.left = left
            self.known = known
        }
    }

    /// The lists of what is left that are believed: an empty one takes everything, and one answer is not enough for that, nor are
    /// those of a few hours where it would take several; nor is it true where items of the group are shown beside it.
    package func believed(
        _ rests: [String: Rest], since before: SimklStamps, _ items: [SimklRows.Item], at moment: Timestamp
    ) -> [String: Rest] {
        rests.filter { group, rest in
            if !rest.left.isEmpty { return true }
            if items.contains(where: { $0.group == group }) { return false }
            if rest.known.isEmpty { return true }
            let time = rest.known.count > 1 ? SimklLimits.emptyTime : SimklLimits.doubtTime
            return isSaidAgain(of: group, isEmptied: true, since: before, for: time, at: moment)
        }
    }

    /// Up to where a reading of changes since `before` has come: no further in a group than it was shown what has moved
    /// there, so that an empty answer is asked for again, and never past many removals at once that were read only once. What
    /// was put on a list and taken off again is shown nowhere: where something has left, and what is left is known, nothing
    /// that is said for long enough is believed. `doubted`: groups of which nothing is said to be left, and that is not believed.
    package func reached(
        since before: SimklStamps, _ items: [SimklRows.Item], _ rests: [String: Rest], doubted: Set<String> = [],
        at moment: Timestamp
    ) -> SimklStamps {
        var reached = self
        for group in SimklRows.groups {
            let hasLost = removals[group] != before.removals[group]
            let isEmptied = doubted.contains(group) || rests[group]?.left.isEmpty == true
            let isGone =
                hasLost && rests[group] != nil
                && isSaidAgain(
                    of: group, isEmptied: isEmptied, since: before, for: SimklLimits.doubtTime, at: moment)
            let isUnshown = lists[group] != before.lists[group] && !items.contains { $0.group == group } && !isGone
            if isUnshown {
                reached.all = before.all
                reached.groups[group] = before.groups[group]
                reached.lists[group] = before.lists[group]
            }
            guard hasLost else { continue }
            let isCertain =
                rests[group].map { rest in
                    RemovalBrake.standard.verdict(rest.known.subtracting(rest.left).count, of: rest.known.count) == .go
                } ?? false
            // As long as something is open both stay where they were: the next reading asks for both once more.
            if isCertain, !isUnshown { continue }
            reached.removals[group] = before.removals[group]
            if isUnshown || isEmptied {
                reached.doubts[group] =
                    before.doubt(like: self, of: group, isEmptied: isEmptied)
                    ?? Doubt(
                        since: moment, lists: lists[group] ?? "", removals: removals[group] ?? "",
                        isEmptied: isEmptied)
            }
        }
        return reached
    }

    /// The doubt about a group that was there before, where it is about the same and the activities still say of the group what
    /// they said then.
    private func doubt(like now: SimklStamps, of group: String, isEmptied: Bool) -> Doubt? {
        doubts[group].flatMap { doubt in
            doubt.isEmptied == isEmptied && doubt.lists == now.lists[group] && doubt.removals == now.removals[group]
                ? doubt : nil
        }
    }

    private func isSaidAgain(
        of group: String, isEmptied: Bool, since before: SimklStamps, for time: Duration, at moment: Timestamp
    ) -> Bool {
        before.doubt(like: self, of: group, isEmptied: isEmptied).map { $0.since.duration(to: moment) >= time } ?? false
    }
}
