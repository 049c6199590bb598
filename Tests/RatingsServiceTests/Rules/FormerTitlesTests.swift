import Contracts
import Testing

@testable import RatingsService

@Suite struct FormerTitlesTests {
    private static func title(_ number: Int) -> TitleID { TitleID(UUIDBits(high: 2, low: UInt64(number))) }

    /// The ids that titles 1 and 2 may have had before the merges.
    private static func names(_ merges: [(from: Int, to: Int)]) -> [[TitleID]] {
        FormerTitles.all(by: merges.map { TitleMove(from: title($0.from), to: title($0.to)) })
            .map { former in [former[title(1)], former[title(2)]] }
    }

    private static func titles(_ numbers: [[Int]]) -> [[TitleID]] { numbers.map { $0.map(title) } }

    @Test("Titles had the ids that they have, or any of those that were merged into them, each way once")
    func ways() {
        #expect(Self.names([]) == Self.titles([[1, 2]]))
        #expect(Self.names([(3, 1)]) == Self.titles([[1, 2], [3, 2]]))
        #expect(Self.names([(3, 1), (4, 1)]) == Self.titles([[1, 2], [3, 2], [4, 2]]))
        #expect(
            Self.names([(3, 1), (4, 2), (5, 1)])
                == Self.titles([[1, 2], [3, 2], [1, 4], [5, 2], [3, 4], [5, 4]]))
    }

    @Test("Of very many ways only so many are tried, those first in which one title has another id")
    func bounded() {
        let merges = (0..<100).map { TitleMove(from: Self.title(1_000 + $0), to: Self.title($0)) }
        let all = FormerTitles.all(by: merges)
        #expect(all.count == RatingsLimits.formerTitlesMax && Set(all).count == all.count)
        for (place, former) in all.enumerated() {
            let others = merges.filter { former[$0.to] == $0.from }
            #expect(others.count == min(place, 1))
        }
    }
}
