package import Contracts
package import JSON

/// When something last happened at Simkl, according to Simkl. The stamps are compared and sent back as received, never
/// interpreted.
package struct SimklStamps: Sendable, Hashable {
    /// Where the next reading of changes starts.
    package var all: String
    /// By group: any activity at all.
    package var groups: [String: String] = [:]
    /// By group: ratings and lists, in which an item that has moved is shown.
    package var lists: [String: String] = [:]
    /// By group: items removed from all lists, which no reading of changes shows.
    package var removals: [String: String] = [:]
    /// Since when the first reading, of which nothing was kept, has been in doubt.
    package private(set) var doubtedAt: Timestamp?
    /// By group: what empty answers of later readings have left open.
    package private(set) var doubts: [String: Doubt] = [:]

    /// Since when nothing has been shown of a group although the activities still say the same about it.
    package struct Doubt: Sendable, Hashable {
        let since: Timestamp
        let lists: String
        let removals: String
        /// Whether nothing was left of the group either: one of the two does not prove the other.
        let isEmptied: Bool
    }

    private static let listNames = ["rated_at", "plantowatch", "watching", "completed", "hold", "dropped"]

    /// Parses `/sync/activities`; nil if it is something else. Only here, shows are called `tv_shows`.
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

    /// Creates the stamps of a first reading that is in doubt: nothing was read yet.
    package init(doubtedAt moment: Timestamp) {
        all = ""
        doubtedAt = moment
    }

    /// The form in which it is stored.
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
        /// This group has lists from which nothing was removed, but no items: it cannot be empty.
        case untrue(String)
        /// This group may be empty, because something was removed from it. One answer is not enough: from then on only
        /// changes are requested, and anything missed would never be seen.
        case doubtful(String)
    }

    /// `doubtedAt` is since when the same answer has been given, if it was given before.
    package func whole(_ items: [SimklRows.Item], doubtedAt: Timestamp?, now: Timestamp) -> Whole {
        let unshown = SimklRows.groups.filter { group in
            lists[group] != "" && !items.contains { $0.group == group }
        }
        if let group = unshown.first(where: { removals[$0] == "" }) { return .untrue(group) }
        guard let group = unshown.first else { return .shown }
        let isSaidAgain = doubtedAt.map { $0.duration(to: now) >= SimklLimits.doubtTime } ?? false
        return isSaidAgain ? .shown : .doubtful(group)
    }

    /// What is left of a group after removals, and what was known to be there before.
    package struct Rest: Sendable, Hashable {
        package let left: Set<Int64>
        package let known: Set<Int64>

        package init(left: Set<Int64>, known: Set<Int64>) {
            self.left = left
            self.known = known
        }
    }

    /// Returns the remainders that are believed. An empty one removes everything: one answer is not enough for that,
    /// nor are answers over a few hours if it removes several items, and it is false if items of the group are shown
    /// alongside.
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

    /// Returns how far a reading of changes since `before` has got: in a group, no further than it has shown what moved
    /// there, so that an empty answer is requested again, and never past many removals at once that were read only
    /// once. An item added to a list and removed again is shown nowhere: if something was removed, and what is left is
    /// known, an empty answer that persists long enough is believed. `doubted` are the groups that are reported to be
    /// empty, which is not believed.
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
            // While anything is open, both stay where they were, so that the next reading requests both again.
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

    /// Returns the earlier doubt about a group if it is about the same thing, and the activities still say the same
    /// about the group.
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
