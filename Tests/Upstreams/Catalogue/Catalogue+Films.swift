extension Catalogue {
    /// Invented films, and one game. The first is ordinary; the others show what real records are like.
    static let films: [CatalogueTitle] = [
        CatalogueTitle("The Lighthouse Keeper's Clock") {
            $0.imdb = "tt9100001"
            $0.tmdb = 910001
            $0.released = "2019-10-11"
            $0.overview =
                "A keeper on a vanishing coast notices that the tower's clock runs a little ahead of the "
                + "world, and starts to use the difference."
            $0.runtimeMinutes = 118
            $0.genres = [.drama, .mystery]
            $0.certification = "PG-13"
            $0.director = "Ines Maroto"
            $0.ratings = CatalogueRatings(tmdb: ("7.912", 4213), imdb: ("8.1", 152340), tomatoes: 93, metacritic: 84)
        },
        CatalogueTitle("Ninefold Winter") {
            $0.country = "CA"
            $0.imdb = "tt9100002"
            $0.tmdb = 910002
            $0.released = "2021-01-22"
            $0.overview =
                "Nine sisters wake on nine ships of the same convoy, each told that hers is the only one left."
            $0.runtimeMinutes = 136
            $0.genres = [.scienceFiction, .drama]
            $0.certification = "R"
            $0.director = "Tomas Adeyemi"
            $0.ratings = CatalogueRatings(tmdb: ("7.318", 2890), imdb: ("7.4", 98112), tomatoes: 81, metacritic: 71)
        },
        CatalogueTitle("A Map of Quiet Rivers") {
            $0.country = "GB"
            $0.imdb = "tt9100003"
            $0.tmdb = 910003
            $0.released = "2016-05-06"
            $0.overview =
                "A surveyor redraws the rivers of her childhood from memory and finds one that was never there."
            $0.runtimeMinutes = 104
            $0.genres = [.drama, .romance]
            $0.certification = "PG"
            $0.director = "Noor Halvorsen"
            $0.ratings = CatalogueRatings(tmdb: ("7.05", 412), imdb: ("7.2", 9881), metacritic: 77)
        },
        CatalogueTitle("The Brass Orchard") {
            $0.imdb = "tt9100004"
            $0.tmdb = 910004
            $0.released = "1974-03-15"
            $0.overview = "Three brothers inherit a bell foundry and the debt that was poured into its walls."
            $0.runtimeMinutes = 127
            $0.genres = [.crime, .drama]
            $0.certification = "R"
            $0.director = "Walter Quill"
            $0.ratings = CatalogueRatings(tmdb: ("7.6", 801), imdb: ("7.8", 41220), tomatoes: 97)
            $0.quirks = [.withoutRatingsArray]
        },
        CatalogueTitle("Salt and Static") {
            $0.imdb = "tt9100005"
            $0.tmdb = 910005
            $0.released = "2023-09-29"
            $0.overview = "A radio ham on a salt flat answers a call sign that was retired with its owner."
            $0.runtimeMinutes = 96
            $0.genres = [.horror, .thriller]
            $0.certification = "R"
            $0.director = "Mirela Stan"
            $0.ratings = CatalogueRatings(tmdb: ("6.233", 1544), imdb: ("6.1", 33507), tomatoes: 64, metacritic: 58)
        },
        CatalogueTitle("Unrehearsed") {
            $0.imdb = "tt9100006"
            $0.tmdb = 910006
            $0.released = "2025-12-05"
            $0.overview = "An understudy is sent on for a part that nobody has written yet."
            $0.runtimeMinutes = 101
            $0.genres = [.comedy, .drama]
            $0.director = "Joon Park"
        },
        CatalogueTitle("Kites over Varnholm") {
            $0.originalName = "Drakar över Varnholm"
            $0.language = "sv"
            $0.country = "SE"
            $0.imdb = "tt9100007"
            $0.tmdb = 910007
            $0.released = "2011-08-19"
            $0.overview = "Every kite in Varnholm carries a message, and one of them comes back answered."
            $0.runtimeMinutes = 88
            $0.genres = [.animation, .family, .adventure]
            $0.certification = "G"
            $0.director = "Siri Lund"
            $0.ratings = CatalogueRatings(tmdb: ("7.401", 1190), imdb: ("7.5", 27004), tomatoes: 95, metacritic: 80)
        },
        CatalogueTitle("The Garden of Clocks") {
            $0.originalName = "Le Jardin des horloges"
            $0.language = "fr"
            $0.country = "FR"
            $0.imdb = "tt9100008"
            $0.tmdb = 910008
            $0.released = "1962-11-02"
            $0.overview = "A retired watchmaker plants his life's work in the ground and waits for spring."
            $0.runtimeMinutes = 94
            $0.genres = [.drama, .fantasy]
            $0.certification = "Not Rated"
            $0.director = "Claude Ferrand"
            $0.ratings = CatalogueRatings(tmdb: ("7.7", 233), imdb: ("7.9", 6120), tomatoes: 88)
        },
        CatalogueTitle("Winter Signpost") {
            $0.originalName = "冬の標識"
            $0.language = "ja"
            $0.country = "JP"
            $0.imdb = "tt9100009"
            $0.tmdb = 910009
            $0.released = "2008-11-01"
            $0.overview = "A bus driver on a mountain route is asked the way by the same traveller every winter."
            $0.runtimeMinutes = 112
            $0.genres = [.drama]
            $0.certification = "PG-13"
            $0.director = "Haru Minakami"
            $0.ratings = CatalogueRatings(tmdb: ("7.255", 318), imdb: ("7.3", 4455))
        },
        CatalogueTitle("Second Hand, Third Floor") {
            $0.imdb = "tt9100010"
            $0.tmdb = 910010
            $0.released = "2014-04-25"
            $0.overview = "The lost property office of a department store is the only department still open."
            $0.runtimeMinutes = 92
            $0.genres = [.comedy]
            $0.certification = "PG-13"
            $0.director = "Bea Lindqvist"
            $0.ratings = CatalogueRatings(tmdb: ("6.4", 655), imdb: ("6.5", 21873), tomatoes: 70, metacritic: 61)
        },
        CatalogueTitle("The Cartographer's Daughter") {
            $0.country = "GB"
            $0.imdb = "tt9100011"
            $0.tmdb = 910011
            $0.released = "1988-06-10"
            $0.overview = "She follows the one road that her father refused to draw."
            $0.runtimeMinutes = 121
            $0.genres = [.adventure, .drama]
            $0.certification = "PG"
            $0.director = "Leonard Voss"
            $0.ratings = CatalogueRatings(tmdb: ("6.9", 540), imdb: ("7.0", 18001), tomatoes: 78)
        },
        CatalogueTitle("The Cartographer's Daughter") {
            $0.imdb = "tt9100012"
            $0.tmdb = 910012
            $0.released = "2018-07-20"
            $0.overview = "The road that was never drawn is drawn again, larger."
            $0.runtimeMinutes = 109
            $0.genres = [.adventure, .fantasy]
            $0.certification = "PG-13"
            $0.director = "Amaka Obi"
            $0.ratings = CatalogueRatings(tmdb: ("6.102", 2077), imdb: ("5.9", 60442), tomatoes: 41, metacritic: 47)
        },
        CatalogueTitle("One Vote for Margit") {
            $0.originalName = "Egy szavazat Margitra"
            $0.language = "hu"
            $0.country = "HU"
            $0.imdb = "tt9100013"
            $0.tmdb = 910013
            $0.released = "2020-02-14"
            $0.overview = "The mayor of a village of eleven stands for election against herself."
            $0.runtimeMinutes = 83
            $0.genres = [.documentary]
            $0.director = "Eszter Vadas"
            $0.ratings = CatalogueRatings(tmdb: ("10.0", 1))
            $0.quirks = [.absentAtOMDb]
        },
        CatalogueTitle("Ferryman's Due") {
            $0.country = "IE"
            $0.imdb = "tt9100014"
            $0.tmdb = 910014
            $0.released = "2013-09-13"
            $0.overview =
                "A ferryman keeps the wallets that his passengers leave behind, until one of them is his own."
            $0.runtimeMinutes = 99
            $0.genres = [.thriller]
            $0.certification = "R"
            $0.director = "Callum Reyes"
            $0.ratings = CatalogueRatings(tmdb: ("5.8", 37))
            $0.quirks = [.absentAtOMDb, .withoutIMDbAtTMDb]
        },
        CatalogueTitle("Postcards from Orbit") {
            $0.imdb = "tt9100015"
            $0.tmdb = 910015
            $0.released = "1999-03-31"
            $0.overview = "The crew of a forgotten station writes home, and somebody who is not home writes back."
            $0.runtimeMinutes = 131
            $0.genres = [.scienceFiction, .adventure]
            $0.certification = "PG-13"
            $0.director = "Dana Okafor"
            $0.ratings = CatalogueRatings(tmdb: ("8.205", 15411), imdb: ("8.4", 901233), tomatoes: 89, metacritic: 79)
        },
        CatalogueTitle("Grandmother's Getaway Car") {
            $0.imdb = "tt9100016"
            $0.tmdb = 910016
            $0.released = "2022-06-03"
            $0.overview = "Three pensioners steal back a car, and everything that has been driven in it."
            $0.runtimeMinutes = 97
            $0.genres = [.comedy, .crime]
            $0.certification = "PG-13"
            $0.director = "Rosa Delgado"
            $0.ratings = CatalogueRatings(tmdb: ("6.85", 3321), imdb: ("6.7", 120554), tomatoes: 83, metacritic: 66)
        },
        CatalogueTitle("Dust Ledger") {
            $0.imdb = "tt9100017"
            $0.tmdb = 910017
            $0.genres = [.documentary]
            $0.ratings = CatalogueRatings(tmdb: ("0.0", 0))
        },
        CatalogueTitle("The Long Intermission") {
            $0.imdb = "tt9100018"
            $0.released = "1939-09-08"
            $0.overview = "The curtain stays down, and the audience gets to know each other."
            $0.runtimeMinutes = 76
            $0.genres = [.comedy, .romance]
            $0.certification = "Passed"
            $0.director = "Edith Marlowe"
            $0.ratings = CatalogueRatings(imdb: ("7.1", 1904))
        },
        CatalogueTitle("Tidewater Protocol") {
            $0.imdb = "tt9100019"
            $0.tmdb = 910019
            $0.released = "2024-05-17"
            $0.overview = "The flood barrier of a drowning city takes orders from two control rooms."
            $0.runtimeMinutes = 142
            $0.genres = [.action, .thriller]
            $0.certification = "PG-13"
            $0.director = "Priya Raman"
            $0.ratings = CatalogueRatings(tmdb: ("6.944", 8873), imdb: ("6.8", 310229), tomatoes: 72, metacritic: 60)
        },
        CatalogueTitle("Ember & Ash") {
            $0.country = "NZ"
            $0.imdb = "tt9100020"
            $0.tmdb = 910020
            $0.released = "2015-11-20"
            $0.overview = "Two heirs of a burnt kingdom agree on one thing only: who lit the match."
            $0.runtimeMinutes = 115
            $0.genres = [.action, .fantasy]
            $0.certification = "PG-13"
            $0.director = "Jonas Weld"
            $0.ratings = CatalogueRatings(tmdb: ("7.133", 6204), imdb: ("7.0", 250118), tomatoes: 76, metacritic: 64)
        },
        CatalogueTitle("Ember & Ash: Part Two") {
            $0.country = "NZ"
            $0.imdb = "tt9100021"
            $0.tmdb = 910021
            $0.released = "2017-11-22"
            $0.overview = "The match is found, and it is still warm."
            $0.runtimeMinutes = 124
            $0.genres = [.action, .fantasy]
            $0.certification = "PG-13"
            $0.director = "Jonas Weld"
            $0.ratings = CatalogueRatings(tmdb: ("6.71", 4981), imdb: ("6.6", 188310), tomatoes: 58, metacritic: 55)
        },
        CatalogueTitle("Ember & Ash: The Game") {
            $0.kind = .game
            $0.country = "NZ"
            $0.imdb = "tt9100050"
            $0.released = "2015-11-24"
            $0.overview = "Be either heir."
            $0.genres = [.action, .fantasy]
            $0.ratings = CatalogueRatings(imdb: ("5.4", 812))
        },
    ]
}
