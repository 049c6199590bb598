import Contracts
import JSON
import RPC
import Synchronization
import Testing

@testable import GatewayService

/// Films that several people look at in the same moment.
@Suite struct FilmDeskTests {
    private static let moment = Timestamp(clampingMicrosecondsSinceEpoch: 1_780_000_000_000_000)
    /// Merged into the first title.
    private static let merged = StandIns.title(9)

    private static func user(_ number: Int) -> UserID { UserID(UUIDBits(high: 3, low: UInt64(number))) }

    /// The three services. A film's rating and state depend on who asks, by number, and on how often they have changed.
    private final class Others: RPCCaller {
        private let log = Mutex<[String]>([])
        private let told = Mutex(0)
        private let changes = Mutex(0)
        private let failures: Mutex<[String: RPCError]>
        private let tellData: Bool

        /// Services of the version before do not tell the version of the data.
        init(_ failures: [String: RPCError] = [:], tellData: Bool = false) {
            self.failures = Mutex(failures)
            self.tellData = tellData
        }

        /// From here on nothing fails.
        func succeed() { failures.withLock { $0 = [:] } }

        var calls: [String] { log.withLock { $0.sorted() } }

        /// Returns the calls since the last time.
        func takeCalls() -> [String] {
            log.withLock { log in
                defer { log = [] }
                return log.sorted()
            }
        }

        /// Returns the number of titles, ratings and states told in look-ups of several since the last call.
        func takeTold() -> Int {
            told.withLock { told in
                defer { told = 0 }
                return told
            }
        }

        /// Changes every title, rating and state from here on.
        func change() { changes.withLock { $0 += 1 } }

        private var count: Int { changes.withLock { $0 } }

        var data: String? { tellData ? "d\(count)" : nil }

        /// The values, unless `known` is the current version.
        private func news<Value>(_ known: String?, _ values: () -> [Value]) -> (version: String, told: [Value]?) {
            let version = "v\(count)"
            guard known != version else { return (version, nil) }
            let values = values()
            told.withLock { $0 += values.count }
            return (version, values)
        }

        func call<Params: JSONEncodable, Result: JSONDecodable>(
            _ method: RPCMethod, _ params: Params, _ call: RPCCall
        ) async throws(RPCError) -> Result {
            log.withLock { $0.append(method.name) }
            if let failure = failures.withLock({ $0[method.name] }) { throw failure }
            let answer: Any
            switch params {
            case let params as GetTitleParams: answer = title(params.title)
            case let params as LookUpTitlesParams:
                // Deliberately not in the order asked for.
                answer = VersionedTitles(
                    data: data,
                    found: params.wanted.reversed().map { wanted in
                        let (version, told) = news(wanted.known) { [title(wanted.title)] }
                        return VersionedTitle(asked: wanted.title, version: version, title: told?.first)
                    })
            case let params as GetRatingsParams:
                answer = FoundRatings(ratings: params.titles.map { rating(of: $0, by: params.user) })
            case let params as LookUpRatingsParams:
                answer = RatingsOfPeople(
                    data: data,
                    people: params.wanted.map { wanted in
                        let (version, told) = news(wanted.known) {
                            wanted.titles.reversed().map {
                                FoundRating(asked: $0, rating: rating(of: $0, by: wanted.user))
                            }
                        }
                        return RatingsOfPerson(version: version, ratings: told)
                    })
            case let params as GetTitleStatesParams:
                answer = TitleStates(states: params.titles.map { state(of: $0, to: params.user) })
            case let params as LookUpTitleStatesParams:
                answer = StatesOfPeople(
                    data: data,
                    people: params.wanted.map { wanted in
                        let (version, told) = news(wanted.known) {
                            wanted.titles.map { state(of: $0, to: wanted.user) }
                        }
                        return StatesOfPerson(version: version, states: told)
                    })
            case is ApplyRedirectsParams: answer = AppliedRedirects(moved: 0, met: 0, done: true)
            default: throw .internal("nobody expects \(method.name)")
            }
            guard let answer = answer as? Result else { throw .internal("another answer was wanted") }
            return answer
        }

        private func title(_ asked: TitleID) -> Title {
            let name = asked == merged ? "1" : "\(asked.uuid.low)"
            return Title(
                id: asked == merged ? StandIns.title(1) : asked, kind: .movie,
                name: name + String(repeating: "'", count: count), genres: [], externalIds: ExternalIds(),
                externalRatings: [], isLocal: false)
        }

        private func rating(of title: TitleID, by user: UserID) -> Rating {
            Rating(
                title: title, kind: .movie, rating: DecimalTenths(tenths: 10 * Int(user.uuid.low) + count),
                spoiler: false,
                ratedAt: moment, updatedAt: moment)
        }

        private func state(of title: TitleID, to user: UserID) -> TitleState {
            TitleState(
                title: title, plays: Int(100 * user.uuid.low + title.uuid.low) + 1_000 * count, onWatchlist: false,
                inCollection: false, isLiked: false)
        }
    }

    /// What each person sees of a film: its name, their rating in tenths and their plays, or the code of an error.
    private static func seen(
        _ wanted: [(user: Int, title: TitleID)], _ others: Others, trace: TraceContext = .root(),
        within time: Duration = .seconds(20)
    ) async -> [String] {
        await seen(wanted, by: handler(others), trace: trace, within: time)
    }

    private static func handler(_ others: Others) -> GetMovie {
        GetMovie(
            films: FilmDesk(
                metadata: MetadataClient(others), ratings: RatingsClient(others), scrobble: ScrobbleClient(others),
                dataVersion: { _ in others.data }),
            sheets: FilmSheets())
    }

    private static func seen(
        _ wanted: [(user: Int, title: TitleID)], by handler: GetMovie, trace: TraceContext = .root(),
        within time: Duration = .seconds(20)
    ) async -> [String] {
        await atOnce(wanted.count) { index in
            let context = EdgeContext(
                rpc: RPCContext(deadline: .now + time, trace: trace), clientAddress: "192.0.2.1")
            do throws(RPCError) {
                let reply = try await handler.run(
                    GetMovieInput(title: wanted[index].title),
                    EdgeCaller(user: user(wanted[index].user), credential: UUIDBits(high: 1, low: 2)), context)
                guard let movie = try? reply.body.value() else { return "not to be read" }
                let plays = movie.myState?.plays.map(String.init) ?? "unknown"
                return "\(movie.name): \(movie.myRating?.rating.tenths ?? 0), \(plays)"
            } catch {
                return "\(error.code) \(error.cause == nil ? "" : "of trace")"
            }
        }
    }

    private static let wanted = [
        (user: 1, title: StandIns.title(5)), (user: 2, title: StandIns.title(5)), (user: 1, title: StandIns.title(6)),
    ]

    @Test("Films of one moment are three calls, and everybody sees what is theirs")
    func together() async {
        let others = Others()
        #expect(await Self.seen(Self.wanted, others) == ["5: 10, 105", "5: 20, 205", "6: 10, 106"])
        #expect(others.calls == ["metadata.lookUpTitles", "ratings.lookUpRatings", "scrobble.lookUpTitleStates"])
    }

    @Test("What has not changed is not told again, and what has is seen at once")
    func toldOnce() async {
        let (others, before) = (Others(), ["5: 10, 105", "5: 20, 205", "6: 10, 106"])
        let handler = Self.handler(others)
        #expect(await Self.seen(Self.wanted, by: handler) == before)
        #expect(others.takeTold() == 2 + 3 + 3)
        #expect(await Self.seen(Self.wanted, by: handler) == before)
        #expect(others.takeTold() == 0)
        // One more title for a person about whom something is already known.
        let more = Self.wanted + [(user: 2, title: StandIns.title(6))]
        #expect(await Self.seen(more, by: handler) == before + ["6: 20, 206"])
        #expect(others.takeTold() == 2)
        others.change()
        let after = ["5': 11, 1105", "5': 21, 1205", "6': 11, 1106"]
        #expect(await Self.seen(Self.wanted, by: handler) == after)
        #expect(others.takeTold() == 2 + 3 + 3)
        #expect(await Self.seen(more, by: handler) == after + ["6': 21, 1206"])
        #expect(others.takeTold() == 2)
    }

    @Test("As long as nothing at all was written nobody is called, and what changes is seen at once")
    func unchangedData() async {
        let looks = ["metadata.lookUpTitles", "ratings.lookUpRatings", "scrobble.lookUpTitleStates"]
        let (others, before) = (Others(tellData: true), ["5: 10, 105", "5: 20, 205", "6: 10, 106"])
        let handler = Self.handler(others)
        #expect(await Self.seen(Self.wanted, by: handler) == before)
        #expect(others.takeCalls() == looks)
        #expect(await Self.seen(Self.wanted, by: handler) == before)
        #expect(await Self.seen([Self.wanted[1]], by: handler) == [before[1]])
        #expect(others.takeCalls() == [])
        // The title is known, what it is to this person is not.
        let more = Self.wanted + [(user: 2, title: StandIns.title(6))]
        #expect(await Self.seen(more, by: handler) == before + ["6: 20, 206"])
        #expect(others.takeCalls() == looks)
        others.change()
        let after = ["5': 11, 1105", "5': 21, 1205", "6': 11, 1106"]
        #expect(await Self.seen(Self.wanted, by: handler) == after)
        #expect(others.takeCalls() == looks)
        #expect(await Self.seen(more, by: handler) == after + ["6': 21, 1206"])
        #expect(others.takeCalls() == looks)
        #expect(await Self.seen(more, by: handler) == after + ["6': 21, 1206"])
        #expect(others.takeCalls() == [])
        others.change()
        #expect(await Self.seen([Self.wanted[0]], by: handler) == ["5'': 12, 2105"])
        #expect(others.takeCalls() == ["metadata.getTitle", "ratings.getRatings", "scrobble.getTitleStates"])
    }

    @Test("What a scrobble that was away did not tell is asked for again, though nothing was written")
    func backAgain() async {
        let others = Others(
            ["scrobble.lookUpTitleStates": RPCError(code: RPCError.Code.unavailable, message: "away")], tellData: true)
        let handler = Self.handler(others)
        for _ in 0..<2 {
            #expect(
                await Self.seen(Self.wanted, by: handler) == ["5: 10, unknown", "5: 20, unknown", "6: 10, unknown"])
        }
        others.succeed()
        #expect(await Self.seen(Self.wanted, by: handler) == ["5: 10, 105", "5: 20, 205", "6: 10, 106"])
        _ = others.takeCalls()
        #expect(await Self.seen(Self.wanted, by: handler) == ["5: 10, 105", "5: 20, 205", "6: 10, 106"])
        #expect(others.takeCalls() == [])
    }

    @Test("A database that does not tell its version in half a second is not waited for: the services are called")
    func slowVersion() async throws {
        let (others, before) = (Others(tellData: true), ["5: 10, 105", "5: 20, 205", "6: 10, 106"])
        let limits = Mutex<[Duration]>([])
        let handler = GetMovie(
            films: FilmDesk(
                metadata: MetadataClient(others), ratings: RatingsClient(others), scrobble: ScrobbleClient(others),
                dataVersion: { deadline in
                    limits.withLock { $0.append(ContinuousClock.now.duration(to: deadline)) }
                    return nil
                }), sheets: FilmSheets())
        for _ in 0..<2 { #expect(await Self.seen(Self.wanted, by: handler) == before) }
        #expect(others.takeTold() == 2 + 3 + 3, "what was known already is not told again")
        let waited = limits.withLock { $0 }
        #expect(waited.count == 1, "what nobody knows yet needs no version")
        let wait = try #require(waited.first)
        #expect(wait <= FilmDesk.versionTimeout && wait > .zero)
    }

    @Test("Services with a database of their own are called each time, and so are those of before")
    func otherData() async {
        let (others, before) = (Others(tellData: true), ["5: 10, 105", "5: 20, 205", "6: 10, 106"])
        let looks = ["metadata.lookUpTitles", "ratings.lookUpRatings", "scrobble.lookUpTitleStates"]
        for (others, version) in [(others, "another"), (others, nil), (Others(), "d0"), (Others(), nil)] {
            let handler = GetMovie(
                films: FilmDesk(
                    metadata: MetadataClient(others), ratings: RatingsClient(others), scrobble: ScrobbleClient(others),
                    dataVersion: { _ in version }), sheets: FilmSheets())
            for _ in 0..<2 {
                #expect(await Self.seen(Self.wanted, by: handler) == before)
                #expect(others.takeCalls() == looks)
            }
        }
    }

    @Test("A film that is looked at by itself is asked for by itself, and so is one whose caller follows a trace")
    func alone() async {
        let calls = ["metadata.getTitle", "ratings.getRatings", "scrobble.getTitleStates"]
        var others = Others()
        #expect(await Self.seen([Self.wanted[0]], others) == ["5: 10, 105"])
        #expect(others.calls == calls)
        others = Others()
        #expect(await Self.seen(Array(Self.wanted.prefix(2)), others, trace: .root().child()).count == 2)
        #expect(others.calls == calls.flatMap { [$0, $0] })
    }

    @Test("Nobody shares the little time that somebody has left, or an answer that came too late for them")
    func hurried() async {
        var others = Others()
        #expect(
            await Self.seen(Array(Self.wanted.prefix(2)), others, within: .seconds(4)) == ["5: 10, 105", "5: 20, 205"])
        #expect(!others.calls.contains("metadata.lookUpTitles"))
        others = Others([
            "ratings.lookUpRatings": RPCError(code: RPCError.Code.deadlineExceeded, message: "too late")
        ])
        #expect(await Self.seen(Self.wanted, others) == ["5: 10, 105", "5: 20, 205", "6: 10, 106"])
    }

    @Test("A film that was merged is asked for by itself, under the id that stayed")
    func merged() async {
        let others = Others()
        let seen = await Self.seen([(user: 1, title: Self.merged), (user: 2, title: StandIns.title(5))], others)
        #expect(seen == ["1: 10, 101", "5: 20, 205"])
        #expect(others.calls.contains("metadata.getTitle"))
    }

    @Test("Without scrobble films are shown without what they are to people; without ratings none is")
    func away() async {
        let away = RPCError(code: RPCError.Code.unavailable, message: "away")
        #expect(
            await Self.seen(Self.wanted, Others(["scrobble.lookUpTitleStates": away]))
                == ["5: 10, unknown", "5: 20, unknown", "6: 10, unknown"])
        #expect(
            await Self.seen(Self.wanted, Others(["ratings.lookUpRatings": away]))
                == Array(repeating: "\(away.code) of trace", count: 3))
    }

    @Test("Services of before, which cannot be asked so, are asked for each film alone")
    func before() async {
        let unknown = RPCError(code: RPCError.Code.methodNotFound, message: "no such method")
        for method in ["metadata.lookUpTitles", "ratings.lookUpRatings", "scrobble.lookUpTitleStates"] {
            let others = Others([method: unknown])
            #expect(await Self.seen(Self.wanted, others) == ["5: 10, 105", "5: 20, 205", "6: 10, 106"])
        }
    }

    @Test("A scrobble that cannot be asked at all what films are to people costs that, and no film")
    func longBefore() async {
        let unknown = RPCError(code: RPCError.Code.methodNotFound, message: "no such method")
        let others = Others([
            "scrobble.lookUpTitleStates": unknown, "ratings.lookUpRatings": unknown,
            "scrobble.getTitleStates": unknown,
        ])
        #expect(await Self.seen([Self.wanted[0]], others) == ["5: 10, unknown"])
        #expect(await Self.seen(Self.wanted, others) == ["5: 10, unknown", "5: 20, unknown", "6: 10, unknown"])
    }
}
