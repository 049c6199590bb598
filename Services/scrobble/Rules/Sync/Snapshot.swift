/// Proof that an item is not there; created only by a reading that has proven to be complete. Without one, nothing of
/// ours is removed.
package struct ProvenAbsence: Sendable, Hashable {
    fileprivate init() {}
}

/// Everything a side has, proven: created only by `PageTally.complete`, and by `Snapshot.ours` for our own rows.
package struct Complete<Row: Sendable>: Sendable {
    package let rows: [Row]

    fileprivate init(_ rows: [Row]) { self.rows = rows }

    /// Proof that anything not among the rows is not there.
    package var absence: ProvenAbsence { ProvenAbsence() }
}

/// What was read of a side, and how much that says about what it does not show.
package enum Snapshot<Row: Sendable>: Sendable {
    /// Everything.
    case complete(Complete<Row>)
    /// Everything that was added or changed since the base; says nothing about removals.
    case changes([Row])
    /// A part. What it does not show is unknown.
    case partial([Row])

    /// Our own rows, read in one transaction.
    package static func ours(_ rows: [Row]) -> Snapshot { .complete(Complete(rows)) }

    package var rows: [Row] {
        switch self {
        case .complete(let complete): complete.rows
        case .changes(let rows), .partial(let rows): rows
        }
    }

    /// Returns the same snapshot without unwanted rows.
    package func filter(_ isWanted: (Row) -> Bool) -> Snapshot {
        switch self {
        case .complete(let complete): .complete(Complete(complete.rows.filter(isWanted)))
        case .changes(let rows): .changes(rows.filter(isWanted))
        case .partial(let rows): .partial(rows.filter(isWanted))
        }
    }

    /// Whether it proves nothing about what it does not show.
    package var isPartial: Bool { if case .partial = self { true } else { false } }

    /// What it says about an item that it does not show.
    package var unshown: Unshown {
        switch self {
        case .complete(let complete): .absent(complete.absence)
        case .changes: .asAgreed
        case .partial: .unknown
        }
    }
}

/// What a snapshot says about an item that it does not show.
package enum Unshown: Sendable, Hashable {
    case absent(ProvenAbsence)
    /// Unchanged since the base.
    case asAgreed
    case unknown
}

/// Whether the pages of a list have shown everything. A list is counted by the rows that arrived; a header that
/// promises more rows is only ever evidence against completeness.
package struct PageTally: Sendable, Hashable {
    /// What a page says about itself.
    package struct Page: Sendable, Hashable {
        package let number: Int
        package let rowCount: Int
        /// The number of rows per page, according to the response.
        package let limit: Int?
        package let pageCount: Int?
        package let itemCount: Int?

        package init(number: Int, rowCount: Int, limit: Int?, pageCount: Int?, itemCount: Int?) {
            self.number = number
            self.rowCount = rowCount
            self.limit = limit
            self.pageCount = pageCount
            self.itemCount = itemCount
        }
    }

    /// Why a list is not proven complete.
    package enum Doubt: String, Sendable, Hashable {
        case noPages = "no page arrived"
        case gap = "a page is missing"
        case moreAnnounced = "more was announced than arrived"
        case moved = "the list changed while it was read"
        case unheaded = "the pages do not say how many there are"
        case unexplained = "it shrank, but no change was reported there"
    }

    private var pages: [Page] = []
    private var isTorn = false

    package init() {}

    package mutating func add(_ page: Page) { pages.append(page) }

    /// Records that the list is known to have changed while its pages were read, whatever they say themselves.
    package mutating func tear() { isTorn = true }

    /// Whether the list may have changed between two of its pages: a list that came as a whole is from one moment.
    package var isOfManyPages: Bool { pages.count > 1 }

    /// Whether another page is to be read: not beyond the page count, and not after an empty page.
    package var wantsMore: Bool {
        guard let last = pages.last else { return true }
        if last.rowCount == 0 { return false }
        if let pageCount = last.pageCount { return last.number < pageCount }
        return last.rowCount >= (last.limit ?? 1)
    }

    /// Why the pages do not prove that everything arrived; nil if they do.
    package var doubt: Doubt? {
        guard let first = pages.first, let last = pages.last else { return .noPages }
        guard pages.map(\.number) == Array(1...pages.count) else { return .gap }
        guard let pageCount = last.pageCount, last.limit != nil, let itemCount = last.itemCount else {
            return .unheaded
        }
        if pages.contains(where: { $0.itemCount != first.itemCount || $0.limit != first.limit }) { return .moved }
        if isTorn { return .moved }
        let rows = pages.reduce(0) { $0 + $1.rowCount }
        if last.number < pageCount { return .gap }
        return rows < itemCount ? .moreAnnounced : rows > itemCount ? .moved : nil
    }

    /// Returns the snapshot of the pages. `isMoved`: the other side reports activity in this list since the base; a
    /// list that shrank without any proves nothing.
    package func snapshot<Row>(_ rows: [Row], isMoved: Bool, agreedCount: Int) -> Snapshot<Row> {
        guard doubt == nil else { return .partial(rows) }
        if !isMoved, rows.count < agreedCount { return .partial(rows) }
        return .complete(Complete(rows))
    }
}
