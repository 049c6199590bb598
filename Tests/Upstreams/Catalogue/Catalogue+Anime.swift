extension Catalogue {
    /// Invented anime. The first is rated by every source; the second has a separate entry for each season at the anime
    /// providers; the third is a film.
    static let anime: [CatalogueTitle] = [
        CatalogueTitle("The Foxfire Post") {
            $0.kind = .series
            $0.originalName = "狐火郵便局"
            $0.romaji = "Kitsunebi Yuubinkyoku"
            $0.language = "ja"
            $0.country = "JP"
            $0.imdb = "tt9100201"
            $0.tmdb = 910201
            $0.tvdb = 910201
            $0.released = "2020-01-11"
            $0.ended = "2020-03-28"
            $0.overview = "A post office on a mountain pass delivers what was never sent."
            $0.runtimeMinutes = 24
            $0.genres = [.animation, .fantasy, .mystery]
            $0.certification = "TV-14"
            $0.ratings = CatalogueRatings(
                tmdb: ("8.412", 1733), imdb: ("8.3", 40112), tomatoes: 96, metacritic: 82)
            $0.seasons = [
                .weekly(
                    series: 21, number: 1, from: "2020-01-11", minutes: 24,
                    [
                        "The First Letter", "Return to Sender", "Snow on the Pass", "A Parcel That Breathes",
                        "Postage Due", "The Fox Who Could Not Read", "Dead Letters", "Express",
                        "The Inspector of Lamps",
                        "Sealed", "What Was Never Sent", "Last Collection",
                    ])
            ]
        },
        CatalogueTitle("Kites over Kanazawa") {
            $0.kind = .series
            $0.originalName = "金沢の凧"
            $0.romaji = "Kanazawa no Tako"
            $0.language = "ja"
            $0.country = "JP"
            $0.imdb = "tt9100202"
            $0.tmdb = 910202
            $0.tvdb = 910202
            $0.released = "2015-04-04"
            $0.ended = "2018-06-23"
            $0.overview = "Four children build a kite that is to carry one of them."
            $0.runtimeMinutes = 24
            $0.genres = [.animation, .adventure, .family]
            $0.certification = "TV-PG"
            $0.ratings = CatalogueRatings(tmdb: ("7.9", 812), imdb: ("7.8", 15330))
            $0.seasons = [
                .weekly(
                    series: 22, number: 1, from: "2015-04-04", minutes: 24,
                    ["Paper", "Bamboo and Glue", "The Roof", "Too Little Wind", "Too Much", "Line"]),
                .weekly(
                    series: 22, number: 2, from: "2016-10-01", minutes: 24,
                    ["Second Kite", "The Rival School", "Knots", "Storm Warning", "The Height of It"]),
                .weekly(
                    series: 22, number: 3, from: "2018-05-26", minutes: 24,
                    ["Grown", "The Old Field", "Let Go", "Where It Came Down"]),
            ]
        },
        CatalogueTitle("The Snow Clerk") {
            $0.originalName = "雪の書記"
            $0.romaji = "Yuki no Shoki"
            $0.language = "ja"
            $0.country = "JP"
            $0.imdb = "tt9100203"
            $0.tmdb = 910203
            $0.released = "2017-12-09"
            $0.overview = "A clerk counts every flake that falls on a town, until one is missing."
            $0.runtimeMinutes = 96
            $0.genres = [.animation, .drama]
            $0.certification = "PG"
            $0.director = "Haruka Mizuno"
            $0.ratings = CatalogueRatings(tmdb: ("7.744", 1204), imdb: ("7.6", 23871), tomatoes: 91, metacritic: 78)
        },
    ]

    /// A title for measurements: a series of one season that all eleven providers have, with ids derived from `index`.
    package static func generated(_ index: Int) -> CatalogueTitle {
        CatalogueTitle("Measured Series \(index)") {
            $0.kind = .series
            $0.originalName = "計測番組 \(index)"
            $0.romaji = "Keisoku Bangumi \(index)"
            $0.language = "ja"
            $0.country = "JP"
            $0.imdb = "tt\(9_500_001 + index)"
            $0.tmdb = 950_001 + index
            $0.tvdb = 950_001 + index
            $0.released = "\(1990 + index % 35)-0\(1 + index % 9)-1\(index % 10)"
            $0.ended = "\(1991 + index % 35)-0\(1 + index % 9)-1\(index % 10)"
            $0.overview = "The \(index)th series that is only there to be counted, described at about the usual length."
            $0.runtimeMinutes = 20 + index % 40
            $0.genres = [.animation, .drama]
            $0.certification = "TV-14"
            let tenths = 50 + index % 45
            $0.ratings = CatalogueRatings(
                tmdb: ("\(tenths / 10).\(tenths % 10)", 200 + index % 5_000),
                imdb: ("\(tenths / 10).\(tenths % 10)", 4_000 + index * 17), tomatoes: 40 + index % 60,
                metacritic: 35 + index % 65)
            $0.seasons = [
                .weekly(series: 3_000 + index, number: 1, from: $0.released, minutes: 24, ["One", "Two"])
            ]
        }
    }
}
