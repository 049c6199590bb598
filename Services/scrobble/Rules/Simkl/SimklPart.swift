/// The part of a library that is requested at once.
package struct SimklPart: Sendable, Hashable {
    /// Nil for every group.
    package let group: String?
    /// One list of the group; nil for every list.
    package let list: String?

    private init(group: String?, list: String?) {
        self.group = group
        self.list = list
    }

    package static let whole = SimklPart(group: nil, list: nil)

    package static func group(_ name: String) -> SimklPart { SimklPart(group: name, list: nil) }

    /// In the order in which titles progress: one that progresses during reading is seen twice rather than never.
    private static let lists = ["plantowatch", "watching", "hold", "dropped", "completed"]
    /// A film is watched or not.
    private static let filmLists = ["plantowatch", "dropped", "completed"]

    package var path: String {
        (["sync/all-items", group, list] as [String?]).compactMap(\.self).joined(separator: "/")
    }

    /// The parts to request instead if Simkl does not return this much at once; empty if nothing smaller can be
    /// requested.
    package var parts: [SimklPart] {
        guard list == nil else { return [] }
        guard let group else { return SimklRows.groups.map { .group($0) } }
        return (group == "movies" ? Self.filmLists : Self.lists).map { SimklPart(group: group, list: $0) }
    }
}
