import MetadataService
import Testing

/// The fast form of `deploy/dev/match-eval`: a catalogue of invented films with the traps of the real one.
@Suite("Matching rows against a small catalogue")
struct MatchEvaluationTests {
    /// The names, with the displayed one first, and the year.
    private static let catalogue: [(names: [String], year: Int?)] = [
        (["The Cartographer's Daughter"], 1988), (["The Cartographer's Daughter"], 2018), (["Ember & Ash"], 2011),
        (["Ember & Ash: Part Two"], 2014), (["Ember & Ash III"], 2017), (["Ember & Ash: Kindling"], 2011),
        (["Kites over Varnholm", "Drakar över Varnholm"], 2011), (["The Winter Sign", "冬の標識"], 1962),
        (["Kröniken"], 1974),
        (["Starfall: Episode IV – A Quiet Dawn"], 1979), (["Starfall: Episode V – The Long Return"], 1982),
        (["Starfall: Episode VI – Night of the Comet"], 1985), (["Nightfall"], 2003), (["The Night Fall"], 1958),
        (["Sixty Miles"], 1996), (["60 Miles"], 1971), (["Dr. Finch"], 1964), (["Lander 3"], 1992), (["Lander"], 1986),
        (["Home"], 2009), (["Home"], 2015), (["Home"], 2022), (["Fear"], 1996), (["Glass"], 2007), (["Glass"], 2007),
        (["Drawn, Quartered"], 1999), (["Blue Is the Coldest Colour"], 2013), (["Bright Water"], 2004),
        (["W.A.L.K."], 2008),
        (["Godric: King of the Marsh"], 1956), (["Ada Quill's Marsh Tales"], 1992), (["Seven Crows"], 1954),
        (["The Iron Duke of Lowbridge"], 2001), (["Hunters"], 2010), (["Hunters: Crucible"], 2012), (["Mirror"], nil),
        (["La Traversée"], 1983), (["Traversée"], 2010), (["Quarter Past"], 2020), (["The Tall Reeds"], 2019),
        (["Ash and Ember"], 2011), (["Vol. 1"], 2003), (["Winter: Vol. 2"], 2004), (["Winter: Vol. 1"], 2003),
    ]

    /// A row as in an export, and the index of its film in the catalogue; nil if it is not there or cannot be told.
    private static let rows: [(name: String, year: Int?, place: Int?)] = [
        ("The Cartographer’s Daughter", 1988, 0), ("Cartographer's Daughter, The", 2018, 1),
        ("The Cartographers Daughter", 2017, 1), ("The Cartographer's Daughter", 2001, nil),
        ("The Cartographer's Daughter", nil, nil), ("Ember and Ash", 2011, 2), ("Ember + Ash", 2012, 2),
        ("Ember & Ash 2", 2014, 3), ("Ember & Ash: Part 3", 2017, 4), ("Ember & Ash: Kindling", 2010, 5),
        ("Ember & Ash IV", 2014, nil), ("Ember & Ash: Part Two", 2017, nil), ("Drakar över Varnholm", 2011, 6),
        ("Kites Over Varnholm", 2012, 6), ("冬の標識", 1962, 7), ("Kroniken", 1974, 8), ("KRÖNIKEN", 1975, 8),
        ("Starfall", 1979, nil), ("Starfall: Episode 4 - A Quiet Dawn", 1979, 9), ("The Long Return", 1982, 10),
        ("Starfall: Episode VI - Night of the Comet", 1984, 11), ("Night of the Comet", 1985, 11),
        ("Night-Fall", 2003, 12),
        ("Night Fall", 1958, 13), ("60 Miles", 1996, 14), ("Sixty Miles", 1971, 15),
        ("Dr. Finch or: How I Stopped Worrying", 1964, 16), ("Lander³", 1992, 17), ("Lander", 1986, 18),
        ("Lander", 1992, nil), ("Home", 2008, 19), ("Home", 2015, 20), ("Home", 2018, nil), ("The Fear", 1995, nil),
        ("Glass", 2007, nil), ("Drawn and Quartered", 1999, 25), ("Blue Is the Coldest Color", 2013, 26),
        ("Brightwater", 2004, 27), ("WALK", 2008, 28), ("W·A·L·K", 2009, 28), ("Godric, King of the Marsh!", 1956, 29),
        ("Godric: King of the Marsh", 2019, nil), ("Marsh Tales", 1992, 30), ("7 Crows", 1954, 31),
        ("The Iron Duke", 2001, nil), ("Hunters: Crucible", 2010, nil), ("Hunters", 2012, nil), ("Mirror", 1975, nil),
        ("La traversee", 1983, 36), ("Traversée", 2010, 37), ("Quarter Past (2020)", 2020, 38),
        ("The Tall Reeds", 2021, nil),
        ("Tall Reeds", 2019, 39), ("Ash & Ember", 2011, 40), ("Winter: Volume 1", 2003, 43),
        ("Winter: Volume 2", 2004, 42),
        ("A Film That Is Not There", 1999, nil), ("…", 1999, nil),
    ]

    @Test("every row finds its film, and none finds another")
    func rows() {
        let traits = Self.catalogue.map { film in
            TitleTraits(names: film.names.map { TitleName($0) }, kind: .movie, year: film.year)
        }
        var index: [String: [Int]] = [:]
        for (place, film) in traits.enumerated() {
            for key in TitleKeys.keys(film.names) { index[key, default: []].append(place) }
        }
        var wrong: [String] = []
        var missed: [String] = []
        for row in Self.rows {
            let wanted = TitleTraits(names: [TitleName(row.name)], kind: .movie, year: row.year)
            let places = Set(TitleKeys.keys(row.name).flatMap { index[$0] ?? [] }).sorted()
            let outcome = TitleMatcher.decide(wanted, among: places.map { traits[$0] })
            if case .matched(let found) = outcome.verdict {
                if places[found] != row.place {
                    wrong.append("\(row.name) \(row.year ?? 0): \(Self.catalogue[places[found]])")
                }
            } else if let place = row.place {
                missed.append("\(row.name) \(row.year ?? 0): \(Self.catalogue[place]), \(outcome)")
            }
        }
        #expect(wrong.isEmpty)
        #expect(missed.isEmpty)
    }
}
