import Contracts
import TestSupport
import Testing

@testable import ScrobbleService

@Suite struct ShelfRuleTests {
    private static func at(_ seconds: Int) -> Timestamp {
        Timestamp(clampingMicrosecondsSinceEpoch: 1_780_000_000_000_000).advanced(by: .seconds(seconds))
    }

    private static func wish(_ seconds: Int, _ note: String?, title: UInt64 = 1) -> ShelfItem<WatchlistDetails> {
        ShelfItem(
            title: TitleID(UUIDBits(high: 1, low: title)), kind: .movie, at: at(seconds),
            details: WatchlistDetails(note: note))
    }

    private static func known(_ seconds: Int, _ note: String?, removed: Int? = nil) -> KnownItem<WatchlistDetails> {
        KnownItem(item: wish(seconds, note), removedAt: removed.map(at), source: "person", batch: nil)
    }

    @Test(
        "What arrives, and what is there",
        arguments: [
            (wish(0, nil), nil, .created, .created),
            (wish(0, "a"), known(0, "a"), .same, .same),
            // A different date alone is no change.
            (wish(9, "a"), known(0, "a"), .same, .same),
            (wish(9, "b"), known(0, "a"), .updated, .updated),
            (wish(0, "b"), known(0, "a"), .older, .updated), (wish(0, "b"), known(9, "a"), .older, .updated),
            (wish(0, "a"), known(0, "a", removed: 5), .removedByYou, .created),
            (wish(5, "a"), known(0, "a", removed: 5), .removedByYou, .created),
            // Added there again after it was removed here.
            (wish(6, "a"), known(0, "a", removed: 5), .created, .created),
        ] as [(ShelfItem<WatchlistDetails>, KnownItem<WatchlistDetails>?, LedgerOutcome, LedgerOutcome)])
    func arriving(
        item: ShelfItem<WatchlistDetails>, known: KnownItem<WatchlistDetails>?, file: LedgerOutcome,
        click: LedgerOutcome
    ) {
        #expect(ShelfRule.outcome(of: item, meeting: known, .file) == file)
        #expect(ShelfRule.outcome(of: item, meeting: known, .person) == click)
        #expect(ShelfRule.outcome(of: item, meeting: known, .plan) == click)
    }

    @Test("An edit is newer than a removal that came before it")
    func leaving() {
        let title = Self.wish(0, nil).title
        func removal(_ known: KnownItem<WatchlistDetails>?, at moment: Int, _ by: LedgerAuthority) -> [LedgerOutcome] {
            let there = known.map { [title: $0] } ?? [:]
            return ShelfRule.removals(of: [title], from: there, at: Self.at(moment), by)
        }
        #expect(removal(nil, at: 9, .person) == [.absent])
        #expect(removal(Self.known(0, nil, removed: 3), at: 9, .file) == [.absent])
        #expect(removal(Self.known(5, nil), at: 4, .file) == [.older])
        #expect(removal(Self.known(5, nil), at: 5, .file) == [.removed])
        #expect(removal(Self.known(5, nil), at: 4, .person) == [.removed])
    }

    /// Applies the rule to a shelf, without a database.
    private static func apply(
        _ items: [ShelfItem<WatchlistDetails>], _ shelf: inout [TitleID: KnownItem<WatchlistDetails>],
        _ authority: LedgerAuthority
    ) -> [LedgerOutcome] {
        let outcomes = ShelfRule.outcomes(of: items, meeting: shelf, authority)
        for (item, outcome) in zip(items, outcomes) where outcome.isChange {
            shelf[item.title] = KnownItem(item: item, removedAt: nil, source: "file", batch: nil)
        }
        return outcomes
    }

    @Test("A file that comes again changes nothing, whatever is in it and whatever was removed meanwhile")
    func again() {
        var random = SeededRandom(seed: UInt64.random(in: 0 ... .max))
        for round in 0..<500 {
            let file = (0..<Int(random.next() % 12)).map { _ in
                Self.wish(
                    Int(random.next() % 5), ["a", "b", nil][Int(random.next() % 3)], title: random.next() % 6)
            }
            var shelf: [TitleID: KnownItem<WatchlistDetails>] = [:]
            _ = Self.apply(file, &shelf, .file)
            // The person removes some, later than anything in the file.
            for title in shelf.keys.sorted(by: { $0.uuid < $1.uuid }) where random.next() % 3 == 0 {
                shelf[title] = shelf[title].map {
                    KnownItem(item: $0.item, removedAt: Self.at(100), source: "person", batch: nil)
                }
            }
            let before = shelf
            let outcomes = Self.apply(file, &shelf, .file)
            #expect(shelf == before, "seed \(random.seed), round \(round): \(file) came to \(outcomes)")
            #expect(outcomes.allSatisfy { [.same, .removedByYou, .repeated].contains($0) }, "seed \(random.seed)")
        }
    }

    @Test("The place of what is moved in a list")
    func order() {
        func titles(_ numbers: [UInt64]) -> [TitleID] { numbers.map { TitleID(UUIDBits(high: 1, low: $0)) } }
        func moving(_ moved: [UInt64], before anchor: UInt64?) -> [TitleID] {
            ListOrder.moving(
                titles(moved), before: anchor.map { TitleID(UUIDBits(high: 1, low: $0)) }, in: titles([1, 2, 3, 4]))
        }
        #expect(moving([4, 2], before: 1) == titles([4, 2, 1, 3]))
        #expect(moving([1], before: nil) == titles([2, 3, 4, 1]))
        #expect(moving([1, 9, 1], before: 4) == titles([2, 3, 1, 4]))
        // An item that moves is not an anchor.
        #expect(moving([2, 3], before: 3) == titles([1, 4, 2, 3]))
        #expect(moving([], before: 3) == titles([1, 2, 3, 4]))
    }
}
