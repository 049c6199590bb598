// The names are those of the providers.
// swift-format-ignore-file: AlwaysUseLowerCamelCase
/// The members that our mappings read, as one would declare them for Foundation.
enum Peers {
    struct Named: Decodable { let name: String? }

    struct TMDb: Decodable {
        struct Season: Decodable {
            let id: Int?
            let name: String?
            let overview: String?
            let air_date: String?
            let poster_path: String?
            let season_number: Int?
        }

        let id: Int
        let name: String?
        let original_name: String?
        let original_language: String?
        let first_air_date: String?
        let last_air_date: String?
        let in_production: Bool?
        let overview: String?
        let episode_run_time: [Int]?
        let genres: [Named]?
        let poster_path: String?
        let backdrop_path: String?
        let vote_average: Double?
        let vote_count: Int?
        let seasons: [Season]?
    }

    struct TVDb: Decodable {
        struct Status: Decodable { let name: String? }

        let id: Int
        let name: String?
        let slug: String?
        let image: String?
        let firstAired: String?
        let lastAired: String?
        let score: Double?
        let status: Status?
        let originalLanguage: String?
        let averageRuntime: Int?
        let overview: String?
        let year: String?
    }

    struct TVmaze: Decodable {
        struct Show: Decodable {
            struct Rating: Decodable { let average: Double? }
            struct Externals: Decodable {
                let thetvdb: Int?
                let imdb: String?
            }
            struct Image: Decodable {
                let original: String?
                let medium: String?
            }

            let id: Int
            let url: String?
            let name: String?
            let language: String?
            let genres: [String]?
            let status: String?
            let runtime: Int?
            let averageRuntime: Int?
            let premiered: String?
            let ended: String?
            let rating: Rating?
            let externals: Externals?
            let image: Image?
            let summary: String?
        }

        let show: Show
    }

    struct OMDb: Decodable {
        struct Row: Decodable {
            let Title: String?
            let Year: String?
            let imdbID: String?
            let `Type`: String?
            let Poster: String?
        }

        let Search: [Row]
        let Response: String?
    }

    struct Trakt: Decodable {
        struct Movie: Decodable {
            struct IDs: Decodable {
                let trakt: Int?
                let slug: String?
                let imdb: String?
                let tmdb: Int?
            }

            let title: String?
            let overview: String?
            let year: Int?
            let ids: IDs
        }

        let type: String?
        let movie: Movie
    }

    struct Letterboxd: Decodable {
        struct Link: Decodable {
            let type: String?
            let id: String?
            let url: String?
        }
        struct Poster: Decodable {
            struct Size: Decodable { let url: String? }

            let sizes: [Size]?
        }

        let id: String
        let name: String?
        let releaseYear: Int?
        let runTime: Int?
        let description: String?
        let rating: Double?
        let genres: [Named]?
        let links: [Link]?
        let poster: Poster?
    }

    struct Simkl: Decodable {
        struct IDs: Decodable {
            let simkl: Int?
            let slug: String?
            let tmdb: String?
            let imdb: String?
        }
        struct Block: Decodable {
            let rating: Double?
            let votes: Int?
        }

        let title: String?
        let year: Int?
        let type: String?
        let ids: IDs
        let poster: String?
        let released: String?
        let runtime: Int?
        let overview: String?
        let certification: String?
        let genres: [String]?
        let ratings: [String: Block]?
    }

    struct AniList: Decodable {
        struct Day: Decodable {
            let year: Int?
            let month: Int?
            let day: Int?
        }
        struct Title: Decodable {
            let romaji: String?
            let english: String?
            let native: String?
        }
        struct Stats: Decodable {
            struct Amount: Decodable {
                let score: Int?
                let amount: Int?
            }

            let scoreDistribution: [Amount]?
        }
        struct Cover: Decodable {
            let extraLarge: String?
            let large: String?
        }
        struct Media: Decodable {
            let id: Int
            let title: Title?
            let coverImage: Cover?
            let startDate: Day?
            let endDate: Day?
            let description: String?
            let format: String?
            let duration: Int?
            let genres: [String]?
            let synonyms: [String]?
            let averageScore: Int?
            let countryOfOrigin: String?
            let stats: Stats?
        }
        struct Data: Decodable { let Media: Media }

        let data: Data
    }

    struct MyAnimeList: Decodable {
        struct Titles: Decodable {
            let synonyms: [String]?
            let en: String?
            let ja: String?
        }
        struct Picture: Decodable {
            let large: String?
            let medium: String?
        }

        let id: Int
        let title: String?
        let main_picture: Picture?
        let alternative_titles: Titles?
        let start_date: String?
        let end_date: String?
        let synopsis: String?
        let mean: Double?
        let num_scoring_users: Int?
        let media_type: String?
        let genres: [Named]?
        let average_episode_duration: Int?
        let rating: String?
    }

    struct Kitsu: Decodable {
        struct Entry: Decodable {
            struct Attributes: Decodable {
                struct Poster: Decodable {
                    let original: String?
                    let large: String?
                }

                let slug: String?
                let synopsis: String?
                let titles: [String: String?]?
                let canonicalTitle: String?
                let abbreviatedTitles: [String?]?
                let averageRating: String?
                let ratingFrequencies: [String: String]?
                let startDate: String?
                let endDate: String?
                let ageRating: String?
                let subtype: String?
                let posterImage: Poster?
                let episodeLength: Int?
            }

            let id: String
            let attributes: Attributes
        }
        struct Included: Decodable {
            struct Attributes: Decodable {
                let name: String?
                let title: String?
                let externalSite: String?
                let externalId: String?
            }

            let id: String
            let type: String
            let attributes: Attributes?
        }

        let data: [Entry]
        let included: [Included]?
    }
}
