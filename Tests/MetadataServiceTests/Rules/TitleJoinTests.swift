import Contracts
import TestSupport
import Testing

@testable import MetadataService

@Suite("Titles that turn out to be one")
struct TitleJoinTests {
    private static func id(_ number: UInt64) -> TitleID { TitleID(UUIDBits(high: 0x0192_0000_0000_7000, low: number)) }
    private static func key(_ source: String, _ value: String) -> OutsideKey {
        OutsideKey(source: source, kind: .movie, value: value)
    }

    private let told = [key("imdb", "tt1"), key("tmdb", "5"), key("trakt", "9")]

    @Test("nobody has an id: a new title with all of them")
    func new() {
        let join = TitleJoin(told: told, holders: [])
        #expect(join.target == nil && join.merged.isEmpty && join.keys == told)
    }

    @Test("two titles with an id each become one, the oldest, which gets the rest")
    func merged() {
        let join = TitleJoin(
            told: told,
            holders: [KeyHolder(id: Self.id(2), keys: [told[0]]), KeyHolder(id: Self.id(1), keys: [told[1]])],
            own: Self.id(2))
        #expect(join.target == Self.id(1) && join.merged == [Self.id(2)] && join.keys == [told[2]])
    }

    @Test("a title that another id of the same place contradicts is another title and keeps what it has")
    func contradiction() {
        let rival = KeyHolder(id: Self.id(1), keys: [told[1], Self.key("imdb", "tt2")])
        let join = TitleJoin(told: told, holders: [rival, KeyHolder(id: Self.id(2), keys: [told[0]])], own: Self.id(2))
        #expect(join.target == Self.id(2) && join.merged.isEmpty && join.keys == [told[2]])
        let alone = TitleJoin(told: told, holders: [rival])
        #expect(alone.target == nil && alone.keys == [told[0], told[2]])
    }

    @Test("a title that was found by its name is no other one")
    func local() {
        let named = KeyHolder(id: Self.id(3), keys: [Self.key(TitleJoin.local, "heat|1995")])
        let join = TitleJoin(told: told, holders: [named, KeyHolder(id: Self.id(1), keys: [told[0]])], own: Self.id(3))
        #expect(join.target == Self.id(1) && join.merged == [Self.id(3)])
    }
}
