import JSON
import MetadataService
import Testing

@Suite("Scores of recorded answers", .enabled(if: Recordings.exist, Recordings.reason))
struct ExpectedScoresTests {
    @Test("TVDb tells a popularity, never a rating")
    func tvdb() throws {
        let mapping = TVDbMapping(fetchedAtMilliseconds: 7)
        let dayBreak = try #require(
            mapping.title(Recordings.value("tvdb/series_79509_daybreak_data.json"), kind: .series))
        #expect(dayBreak.scoreLines == ["tvdb 15382 - -"])
        #expect(dayBreak.scores.first?.status == .popularity)
        #expect(dayBreak.released?.iso == "2006-11-15")
        #expect(dayBreak.ended?.iso == "2008-03-22")
        #expect(dayBreak.runtimeMinutes == 45)
        for text in ["2.5", "156079.25", "2500000"] {
            var record = try Recordings.tree("tvdb/series_79509_daybreak_data.json")
            record = record.withMember("score", try decodeJSON(JSONValue.self, from: Array(text.utf8)))
            #expect(mapping.title(try record.view, kind: .series)?.scores.first?.scoreHundredths == nil)
        }
    }

    @Test("TVDb's rows, extended records and episodes")
    func tvdbRecords() throws {
        let mapping = TVDbMapping(fetchedAtMilliseconds: 7)
        let rows = try Recordings.value("tvdb/search_breakingbad_trimmed.json")["data"].array
        let found = rows.compactMap { mapping.title($0, kind: .series) }
        #expect(found.map(\.ids.tvdb) == [81189, 273181])
        #expect(found.first?.otherNames == ["Ruptura Total"])
        #expect(found.last?.originalLanguage == "es")
        let extended = try Recordings.value("tvdb/series_81189_breakingbad_extended_trimmed.json")["data"]
        let series = try #require(mapping.title(extended, kind: .series))
        #expect(series.genres == ["Drama", "Crime", "Thriller"])
        #expect(series.scores.isEmpty)
        let episode = try #require(mapping.episode(Recordings.value("tvdb/episode_314779_data.json")))
        #expect((episode.seasonNumber, episode.episodeNumber) == (1, 13))
        #expect(episode.ids.tvdb == 314779)
        let item = try Recordings.value("tvdb/search_item_svu.json")
        #expect(mapping.title(item, kind: .series)?.ids.tvdb == 75692)
    }

    @Test("TVmaze: a mean without votes, none where it is null, never the fit of a search row")
    func tvmaze() throws {
        let mapping = TVmazeMapping(fetchedAtMilliseconds: 7)
        let flash = try #require(mapping.show(Recordings.value("tvmaze/show_13_flash_embed_seasons.json")))
        #expect(flash.scoreLines == ["tvmaze 7.9/10 79.00 -"])
        #expect(flash.ids == SubjectIDs(imdb: "tt3107288", tvdb: 279121, tvmaze: 13))
        #expect(flash.overview?.hasPrefix("After a particle accelerator") == true)
        #expect(flash.overview?.contains("<") == false)
        #expect(flash.children.compactMap(\.seasonNumber).prefix(3) == [1, 2, 3])
        #expect(flash.ended == nil)
        let kroniken = try #require(mapping.show(Recordings.value("tvmaze/singlesearch_kroniken.json")))
        #expect(kroniken.name == "Krøniken")
        #expect(kroniken.scores.isEmpty)
        #expect(kroniken.outcome == .noRating)
        let rows = try Recordings.value("tvmaze/search_shows_girls_2022.json").array
        let found = rows.compactMap { mapping.show($0["show"]) }
        #expect(found.count == 10)
        #expect(found.filter(\.scores.isEmpty).count == 5)
        #expect(found.filter { $0.released == nil }.count == 2)
        let episode = try #require(
            mapping.episode(Recordings.value("tvmaze/show_13_episode_s02e02.json"), series: flash.ids))
        #expect(episode.name == "Flash of Two Worlds")
        #expect(episode.released?.iso == "2015-10-13")
        #expect(try Recordings.bytes("tvmaze/error_404_singlesearch_empty_body.json").isEmpty)
    }

    @Test("Trakt's own scores, flat and in blocks")
    func trakt() throws {
        let mapping = TraktMapping(fetchedAtMilliseconds: 7)
        let matrix = try #require(
            mapping.title(Recordings.value("trakt/movie_481_matrix_full_2021.json"), kind: .movie))
        #expect(matrix.scoreLines == ["trakt 8.8/10 88.06 49800"])
        #expect(matrix.genres == ["Action", "Science Fiction"])
        #expect(matrix.certification == "R")
        #expect(matrix.scores.first?.url == "https://trakt.tv/movies/the-matrix-1999")
        let thrones = try #require(
            mapping.title(Recordings.value("trakt/show_1390_gameofthrones_full_2016.json"), kind: .series))
        #expect(thrones.scoreLines == ["trakt 9.4/10 93.83 52432"])
        let flash = try #require(
            mapping.title(Recordings.value("trakt/show_75481_flash1967_null_ids.json"), kind: .series))
        #expect(flash.ids == SubjectIDs(tvdb: 272094, trakt: 75481))
        #expect(flash.scoreLines == ["trakt 7.5/10 75.00 2"])
        let flat = mapping.ratings(try Recordings.value("trakt/doc_movie_ratings.json"))
        #expect(
            lines(flat) == [
                "trakt 8.3/10 82.95 24789"
            ])
        let episode = try #require(
            mapping.episode(Recordings.value("trakt/show_1399_s01e02_full.json"), series: SubjectIDs(trakt: 1399)))
        #expect(episode.scoreLines == ["trakt 7.8/10 78.13 1522"])
        let seasons = try Recordings.value("trakt/show_60203_seasons_full.json").array
        let first = try #require(mapping.season(seasons[0], series: SubjectIDs()))
        #expect(first.scoreLines == ["trakt 8.9/10 88.88 2012"])
    }

    @Test("what Trakt relays, four scales in one answer; MyAnimeList without votes is none")
    func relays() throws {
        let mapping = TraktMapping(fetchedAtMilliseconds: 7)
        let film = mapping.ratings(try Recordings.value("trakt/doc_movie_ratings_extended_all.json"))
        #expect(
            lines(film) == [
                "imdb 7.9/10 79.00 269113", "rotten_tomatoes_critics 94% 94.00 -",
                "rotten_tomatoes_audience 94% 94.00 -", "metacritic 77/100 77.00 -", "tmdb 8.3/10 82.51 3739",
                "trakt 8.3/10 82.95 24789", "letterboxd 4.1/5 82.40 3633569",
            ])
        let series = mapping.ratings(try Recordings.value("trakt/doc_show_ratings_extended_all_from.json"))
        #expect(lines(series).contains("rotten_tomatoes_audience 76% 76.00 -"))
        #expect(lines(series).count == 6)
    }

    @Test("a number that means several things is read by its kind alone")
    func ambiguous() throws {
        let rows = try Recordings.value("trakt/idlookup_tmdb_60735_ambiguous.json").array
        #expect(Set(rows.compactMap { $0["type"].string }) == ["show", "movie", "episode", "person"])
        let mapping = TraktMapping(fetchedAtMilliseconds: 7)
        let shows = rows.filter { $0["type"].string == "show" }.compactMap { mapping.title($0["show"], kind: .series) }
        #expect(shows.map(\.name) == ["The Flash"])
    }

    @Test("Simkl: ids as texts, blocks that may lack, an answer of another kind than was asked")
    func simkl() throws {
        let mapping = SimklMapping(fetchedAtMilliseconds: 7)
        let thrones = try #require(
            mapping.title(Recordings.value("simkl/tv_tt0944947_gameofthrones_full.json"), kind: .series))
        #expect(thrones.scoreLines == ["simkl 9.1/10 91.00 1270", "imdb 9.5/10 95.00 1234933"])
        #expect(thrones.ids == SubjectIDs(imdb: "tt0944947", tvdb: 121361, simkl: 17465))
        #expect(thrones.scores.allSatisfy { $0.via == .simkl })
        let potter = try #require(
            mapping.title(Recordings.value("simkl/movies_tt1201607_harrypotter_full.json"), kind: .movie))
        #expect(potter.scoreLines == ["simkl 8.1/10 81.00 427", "imdb 8.1/10 81.00 607002"])
        #expect(potter.ids.tmdb == 12445)
        let short = try #require(mapping.title(Recordings.value("simkl/movies_tt1201607_short.json"), kind: .movie))
        #expect(short.outcome == .noRating)
        let brief = mapping.ratings(try Recordings.value("simkl/ratings_10280_bigbang.json"))
        #expect(
            lines(brief) == [
                "simkl 7.9/10 79.00 3378", "imdb 8.1/10 81.00 895026",
            ])
        let rows = try Recordings.value("simkl/search_movie_johnwick_full.json").array
        let wicks = rows.compactMap { mapping.title($0, kind: .movie) }
        #expect(wicks.last?.scoreLines == ["simkl 8.5/10 85.00 2"])
        let anime = try Recordings.value("simkl/search_by_imdb_url_attackontitan.json")[0]
        #expect(mapping.title(anime, kind: .movie) == nil)
        #expect(mapping.title(anime, kind: .series)?.name == "Attack on Titan (S1)")
        #expect(
            mapping.title(anime, kind: .series)?.scoreLines == [
                "simkl 8.7/10 87.00 7715", "myanimelist 8.60/10 86.00 2877607",
            ])
        let episodes = try Recordings.value("simkl/tv_episodes_2090.json").array.compactMap {
            mapping.episode($0, series: SubjectIDs())
        }
        #expect(episodes.map(\.episodeNumber) == [1, 2])
        #expect(episodes.first?.released?.iso == "2010-10-31")
    }

    @Test("AniList: the weighted mean and the people who rated; none where it is withheld")
    func anilist() throws {
        let mapping = AniListMapping(fetchedAtMilliseconds: 7)
        let expected = [
            ("media_1_cowboybebop", "anilist 86% 86.00 120712"), ("media_5114_fmab", "anilist 90% 90.00 235189"),
            ("media_20954_koenokatachi_movie", "anilist 88% 88.00 267512"),
        ]
        for (file, line) in expected {
            let media = try Recordings.value("anilist/\(file).json")["data"]["Media"]
            let facts = try #require(mapping.entry(media, as: AniListMapping.kind(media) ?? .series))
            #expect(facts.scoreLines == [line])
            #expect(facts.overview?.contains("<") == false)
        }
        let film = try Recordings.value("anilist/media_20954_koenokatachi_movie.json")["data"]["Media"]
        #expect(AniListMapping.kind(film) == .movie)
        let bare = try Recordings.value("anilist/media_100081_no_score.json")["data"]["Media"]
        let facts = try #require(mapping.entry(bare, as: .movie))
        #expect(facts.outcome == .noRating)
        #expect(facts.name == "Zero Seiki Movie 1: Emeraldas")
    }

    @Test(
        "AniList's errors, whatever the status beside them",
        arguments: [
            ("error_429", "rateLimited"), ("error_403_disabled", "unavailable"), ("error_field", "malformed"),
            ("error_validation", "malformed"),
        ])
    func anilistErrors(file: String, label: String) throws {
        for status in [200, 429, 500] {
            let answer = ProviderHTTPAnswer(status: status, body: try Recordings.bytes("anilist/\(file).json"))
            do throws(ProviderError) {
                _ = try AniListAnswer.data(answer, limits: .standard)
                Issue.record("\(file) was taken for an answer")
            } catch {
                #expect(error.label == label)
            }
        }
    }

    @Test("MyAnimeList: the mean and the people who rated; the age class is no score; seconds become minutes")
    func myanimelist() throws {
        let mapping = MyAnimeListMapping(fetchedAtMilliseconds: 7)
        let bebop = try #require(mapping.entry(Recordings.value("mal/anime_1_cowboybebop.json"), as: .series))
        #expect(bebop.scoreLines == ["myanimelist 8.75/10 87.50 1035533"])
        #expect(bebop.runtimeMinutes == 24)
        #expect(bebop.certification == "R")
        let academia = try #require(mapping.entry(Recordings.value("mal/anime_31964_myheroacademia.json"), as: .series))
        #expect(academia.scoreLines == ["myanimelist 8.16/10 81.60 1123942"])
        #expect(academia.name == "My Hero Academia")
        let hokuto = try #require(
            mapping.entry(Recordings.value("mal/anime_967_hokutonoken_no_mean.json"), as: .series))
        #expect(hokuto.outcome == .noRating)
        #expect(hokuto.otherNames.contains("Hokuto no Ken"))
        let rows = try Recordings.value("mal/search_hokutonoken.json")["data"].array
        let found = rows.compactMap { mapping.entry($0["node"], as: .series) }
        #expect(found.count == 3)
        #expect(found.allSatisfy { $0.scores.isEmpty })
    }

    @Test("Kitsu: figures as texts, people who rated and not those who keep it; none where it is withheld")
    func kitsu() throws {
        let mapping = KitsuMapping(fetchedAtMilliseconds: 7)
        let answer = try Recordings.value("kitsu/anime_1_cowboybebop_include.json")
        let bebop = try #require(
            mapping.entry(answer["data"][0], included: answer["included"].array, as: .series))
        #expect(bebop.scoreLines == ["kitsu 82.2% 82.23 82612"])
        #expect(bebop.genres.contains("Sci-Fi"))
        let film = try Recordings.value("kitsu/anime_1217_null_in_abbreviatedTitles.json")["data"][0]
        #expect(KitsuMapping.kind(film) == .movie)
        #expect(mapping.entry(film, as: .movie)?.scoreLines == ["kitsu 79.1% 79.09 3215"])
        for file in ["anime_44117_no_rating", "anime_49913_nulls", "anime_49915_unreleased"] {
            let row = try Recordings.value("kitsu/\(file).json")["data"][0]
            #expect(mapping.entry(row, as: .series)?.outcome == .noRating, "\(file)")
        }
        #expect(try Recordings.value("kitsu/empty_filter_id.json")["data"].array.isEmpty)
        let list = try Recordings.value("kitsu/anime_list_just_added.json")["data"].array
        #expect(list.compactMap { mapping.entry($0, as: .series) }.count == list.count)
    }

    private func lines(_ readings: [ScoreReading]) -> [String] {
        var facts = ProviderFacts(provider: .trakt, kind: .movie, fetchedAtMilliseconds: 7)
        for reading in readings { facts.add(reading) }
        return facts.scoreLines
    }
}

extension JSONValue {
    /// Returns the object with one member replaced.
    func withMember(_ name: String, _ value: JSONValue) -> JSONValue {
        guard case .object(let object) = self else { return self }
        return .object(JSONObject(object.members.map { $0.name == name ? (name, value) : $0 }))
    }
}
