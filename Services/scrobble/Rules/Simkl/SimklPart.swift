/// How much of a library is asked for at once.
package struct SimklPart: Sendable, Hashable {
    /// Every group where none is named.
    package let group: String?
    /// One list of the group; every one of them where none is named.
    package let list: String?

    private init(group: String?, list: String?) {
        self.group = group
        self.list = list
    }

    package static let whole = SimklPart(group: nil, list: nil)

    package static func group(_ name: String) -> SimklPart { SimklPart(group: name, list: nil) }

    /// In the order in which titles go on: what goes on while they are read is seen twice rather than never.
    private static let lists = ["plantowatch", "watching", "hold", "dropped", "completed"]
    /// A film is watched or not.
    private static let filmLists = ["plantowatch", "dropped", "completed"]

    package var path: String {
        (["sync/all-items", group, list] as [String?]).compactMap(\.self).joined(separator: "/")
    }

    /// What it falls into where Simkl does not give so much at once; none where nothing smaller can be asked for.
    package var parts: [SimklPart] {
        guard list == nil else { return [] }
        guard let group else { return SimklRows.groups.map { .group($0) } }
        return (group == "movies" ? Self.filmLists : Self.lists).map { SimklPart(group: group, list: $0) }
    }
}
