extension Catalogue {
    /// Invented series. The first shares its TMDb id with a film, as real ones do.
    static let series: [CatalogueTitle] = [
        CatalogueTitle("Saltmarsh") {
            $0.kind = .series
            $0.country = "GB"
            $0.imdb = "tt9100101"
            $0.tmdb = 910001
            $0.tvdb = 910101
            $0.ended = "2020-03-22"
            $0.released = "2019-02-03"
            $0.overview = "A detective returns to the marsh that she drained for a living."
            $0.runtimeMinutes = 52
            $0.genres = [.crime, .drama]
            $0.certification = "TV-MA"
            $0.ratings = CatalogueRatings(tmdb: ("8.1", 1873), imdb: ("8.3", 74020), tomatoes: 96)
            $0.seasons = [
                .weekly(
                    series: 1, number: 0, from: "2019-12-24", minutes: 52,
                    ["The Winter Tide"]),
                .weekly(
                    series: 1, number: 1, from: "2019-02-03", minutes: 52,
                    ["Low Water", "The Sluice", "Brackish", "Eel Season", "What the Mud Keeps", "High Water"]),
                .weekly(
                    series: 1, number: 2, from: "2020-02-16", minutes: 52,
                    ["The Inquest", "Reed Cutters", "Undertow", "A Dry Summer", "The Last Dyke", "Flood"]),
            ]
        },
        CatalogueTitle("The Harbour Office") {
            $0.kind = .series
            $0.imdb = "tt9100102"
            $0.tmdb = 910102
            $0.tvdb = 910102
            $0.ended = "2020-10-14"
            $0.released = "2017-09-06"
            $0.overview = "Five clerks keep a harbour open that no ship has called at for a year."
            $0.runtimeMinutes = 24
            $0.genres = [.comedy]
            $0.certification = "TV-PG"
            $0.ratings = CatalogueRatings(tmdb: ("7.6", 921), imdb: ("7.8", 51230))
            $0.seasons = [
                .weekly(
                    series: 2, number: 1, from: "2017-09-06", minutes: 24,
                    ["Tide Tables", "Form 12", "The Inspector", "Open Day"]),
                .weekly(
                    series: 2, number: 2, from: "2018-09-05", minutes: 24,
                    ["New Stamps", "A Ship", "Not a Ship", "Demurrage"]),
                .weekly(
                    series: 2, number: 3, from: "2020-09-23", minutes: 24,
                    ["Fog", "Customs", "The Audit", "Cast Off"]),
            ]
        },
        CatalogueTitle("Night Desk") {
            $0.kind = .series
            $0.imdb = "tt9100103"
            $0.tmdb = 910103
            $0.tvdb = 910103
            $0.released = "2022-10-03"
            $0.overview = "A local newspaper has one reporter left, and she only works nights."
            $0.runtimeMinutes = 47
            $0.genres = [.drama, .thriller]
            $0.certification = "TV-14"
            $0.ratings = CatalogueRatings(tmdb: ("7.302", 488), imdb: ("7.4", 30877), tomatoes: 85, metacritic: 74)
            $0.seasons = [
                .weekly(
                    series: 3, number: 1, from: "2022-10-03", minutes: 47,
                    [
                        "Copy", "The Late Edition", "Sources Close To", "Correction", "Off the Record", "Spike",
                        "Deadline", "Thirty",
                    ])
            ]
        },
        CatalogueTitle("Glass Almanac") {
            $0.kind = .series
            $0.country = "CA"
            $0.imdb = "tt9100104"
            $0.tmdb = 910104
            $0.tvdb = 910104
            $0.ended = "2021-05-09"
            $0.released = "2021-04-11"
            $0.overview = "An almanac predicts five days that have already happened."
            $0.runtimeMinutes = 58
            $0.genres = [.scienceFiction, .mystery]
            $0.certification = "TV-MA"
            $0.ratings = CatalogueRatings(tmdb: ("7.9", 644), imdb: ("8.0", 22419))
            $0.seasons = [
                .weekly(
                    series: 4, number: 1, from: "2021-04-11", minutes: 58,
                    ["Yesterday", "The Day Before", "Last Leap Day", "The First of Never", "Tomorrow"])
            ]
        },
        CatalogueTitle("Paper Lanterns") {
            $0.kind = .series
            $0.originalName = "紙の灯籠"
            $0.language = "ja"
            $0.country = "JP"
            $0.imdb = "tt9100105"
            $0.tmdb = 910105
            $0.tvdb = 910105
            $0.ended = "2018-06-23"
            $0.released = "2018-04-07"
            $0.overview = "A lantern maker's apprentice lights the way for those who have nowhere to go."
            $0.runtimeMinutes = 24
            $0.genres = [.animation, .fantasy]
            $0.certification = "TV-14"
            $0.ratings = CatalogueRatings(tmdb: ("8.3", 1402), imdb: ("8.2", 18660))
            $0.seasons = [
                .weekly(
                    series: 5, number: 1, from: "2018-04-07", minutes: 24,
                    [
                        "Wick", "Bamboo", "The Guest Without a Shadow", "Rain Lantern", "Paper Fish", "The Empty House",
                        "Festival", "Two Flames", "River Road", "The Master's Hand", "Snuffed", "Dawn",
                    ])
            ]
        },
        CatalogueTitle("Old Roads") {
            $0.kind = .series
            $0.country = "GB"
            $0.imdb = "tt9100106"
            $0.tmdb = 910106
            $0.ended = "1981-02-16"
            $0.released = "1981-01-12"
            $0.overview = "Six walks along roads that no longer lead anywhere."
            $0.runtimeMinutes = 50
            $0.genres = [.documentary]
            $0.ratings = CatalogueRatings(tmdb: ("6.5", 4), imdb: ("7.7", 212))
            $0.seasons = [
                .weekly(
                    series: 6, number: 1, from: "1981-01-12", minutes: 50,
                    ["The Drovers", "Salt Way", "Coffin Path", "Toll", "The Causeway", "Home"])
            ]
        },
        CatalogueTitle("Understudies") {
            $0.kind = .series
            $0.imdb = "tt9100107"
            $0.tmdb = 910107
            $0.tvdb = 910107
            $0.released = "2025-10-20"
            $0.overview = "A theatre company in which everybody waits for somebody else to fall ill."
            $0.runtimeMinutes = 30
            $0.genres = [.comedy]
            $0.seasons = [
                .weekly(
                    series: 7, number: 1, from: "2025-10-20", minutes: 30, rated: false,
                    ["Half Hour", "Fifteen", "Five", "Places"])
            ]
        },
        CatalogueTitle("Bellwether County") {
            $0.kind = .series
            $0.imdb = "tt9100108"
            $0.tmdb = 910108
            $0.tvdb = 910108
            $0.ended = "2010-11-07"
            $0.released = "2008-09-21"
            $0.overview = "The sheriff of a county where nothing happens makes sure that it stays so."
            $0.runtimeMinutes = 44
            $0.genres = [.drama, .crime]
            $0.certification = "TV-14"
            $0.ratings = CatalogueRatings(tmdb: ("8.4", 5230), imdb: ("8.7", 402118))
            $0.seasons = [
                .weekly(
                    series: 8, number: 1, from: "2008-09-21", minutes: 44,
                    ["Nothing to Report", "Stray", "The Fair"]),
                .weekly(
                    series: 8, number: 2, from: "2009-09-20", minutes: 44,
                    ["Dry County", "Fences", "Good Neighbours"]),
                .weekly(
                    series: 8, number: 3, from: "2010-10-24", minutes: 44,
                    ["The Petition", "Ballots", "Nothing Happened"]),
            ]
        },
        CatalogueTitle("Copper Season") {
            $0.kind = .series
            $0.originalName = "Temporada de cobre"
            $0.language = "es"
            $0.country = "CL"
            $0.imdb = "tt9100109"
            $0.tmdb = 910109
            $0.tvdb = 910109
            $0.released = "2024-03-15"
            $0.overview = "The miners of a closed pit are paid to guard it from themselves."
            $0.runtimeMinutes = 55
            $0.genres = [.drama, .war]
            $0.certification = "TV-MA"
            $0.ratings = CatalogueRatings(tmdb: ("7.2", 159), imdb: ("7.3", 8104), metacritic: 69)
            $0.quirks = [.withoutRunTimeAtTMDb]
            $0.seasons = [
                .weekly(
                    series: 9, number: 1, from: "2024-03-15", minutes: 55,
                    ["Seam", "Shift", "Canary", "Shaft Nine", "Smelter", "Ore"])
            ]
        },
        CatalogueTitle("Meridian") {
            $0.kind = .series
            $0.imdb = "tt9100110"
            $0.tmdb = 910110
            $0.overview = "Announced; nobody knows more."
            $0.genres = [.scienceFiction]
            $0.quirks = [.absentAtOMDb]
        },
    ]
}
