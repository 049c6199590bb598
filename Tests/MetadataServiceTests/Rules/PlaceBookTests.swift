import TestSupport
import Testing

@testable import MetadataService

@Suite("Places that a replica holds") struct PlaceBookTests {
    private static let start = ContinuousClock.now
    private static let late = Duration.milliseconds(10)

    private func at(_ milliseconds: Int) -> ContinuousClock.Instant { Self.start + .milliseconds(milliseconds) }

    private func book(_ places: [Int]) -> PlaceBook {
        var book = PlaceBook()
        for place in places { book.append(at(place)) }
        return book
    }

    @Test("those who wait wake for a place each; one more finds none")
    func sleepers() {
        var book = book([5, 10])
        #expect(book.next(at: at(0), lateMax: Self.late) == .rest(until: at(5)))
        #expect(book.freeCount == 1)
        #expect(book.next(at: at(0), lateMax: Self.late) == .rest(until: at(10)))
        #expect(book.next(at: at(0), lateMax: Self.late) == .empty)
        book.wake()
        #expect(book.next(at: at(5), lateMax: Self.late) == .go)
        book.wake()
        #expect(book.next(at: at(10), lateMax: Self.late) == .go)
        #expect(book.next(at: at(10), lateMax: Self.late) == .empty)
    }

    @Test("a place is good until it is too old")
    func age() {
        var book = book([0, 1])
        #expect(book.next(at: at(11), lateMax: Self.late) == .go)
        #expect(book.next(at: at(11), lateMax: Self.late) == .empty)
    }

    @Test("callers who all wake late still use nearly every place, each once and none that is too old")
    func lateness() {
        var random = SeededRandom(seed: .random(in: 0 ... .max))
        var book = book((0..<200).map { $0 * 5 })
        var sleeping: [Int] = []
        var used: [Int] = []
        var waiting = 200
        for now in 0..<1_200 {
            let awake = sleeping.count { $0 <= now }
            sleeping.removeAll { $0 <= now }
            for _ in 0..<awake { book.wake() }
            waiting += awake
            // At most 16 at a time, the number of permits.
            while waiting > 0, sleeping.count < 16 {
                let step = book.next(at: at(now), lateMax: Self.late)
                if step == .empty { break }
                waiting -= 1
                guard case .rest(let place) = step else {
                    used.append(now)
                    continue
                }
                // Each wakes 15 to 25 ms after the time it asked for: later than any place may be used.
                let due = Int((place - Self.start) / .milliseconds(1))
                sleeping.append(due + Int.random(in: 15...25, using: &random))
            }
        }
        #expect(used.count >= 150, "\(used.count) of 200 places used, seed \(random.seed)")
        for (index, moment) in used.enumerated() {
            let others = used[index...].prefix { $0 < moment + 100 }.count
            #expect(others <= 100 / 5 + 10 / 5 + 1, "\(others) calls within 100 ms from \(moment), seed \(random.seed)")
        }
    }
}
