import Contracts
import JSON
import RPC

/// One workload for each kind of work; any failure ends the measurement.
struct RatingsBench: Sendable {
    let plan: RatingsPlan
    let ratings: RatingsClient

    /// The deadline of a call.
    private static let callTimeout = Duration.seconds(10)
    /// The number of calls made before any counts.
    private static let warmUpCalls = 200
    private static let pageRows = 50
    /// The data set: the number of ratings of each person, and the dates over which they are spread.
    private static let ratedTitles = 1_000
    private static let newest = Timestamp(clampingMicrosecondsSinceEpoch: 1_793_534_400_000_000)
    private static let datesSeconds = 100_000_000
    /// The number of concurrent bulk writers, each for a person of its own, and of items in a call.
    private static let bulkCallers = 4
    private static let bulkItems = 1_000
    private static let hotWriters = 64

    func run() async throws -> [(String, Double)] {
        switch plan.work {
        case .lone: try await alone { call in try await refused(call) }
        case .point: try await alone { call in try await point(call) }
        case .page: try await alone { call in try await page(call) }
        case .stats:
            try await alone { call in
                _ = try await ratings.getStatistics(GetStatisticsParams(user: plan.users[0]), call)
            }
        case .bulk: try await bulk()
        case .hot: try await writers { _ in plan.titles[0] }
        case .cool: try await writers { plan.titles[$0] }
        case .serve: try await serve()
        }
    }

    private func call() -> RPCCall { RPCCall(deadline: .now.advanced(by: Self.callTimeout)) }

    /// Makes one call after the other.
    private func alone(_ body: (RPCCall) async throws -> Void) async throws -> [(String, Double)] {
        for _ in 0..<Self.warmUpCalls { try await body(call()) }
        var microseconds: [Double] = []
        let end = ContinuousClock.now.advanced(by: plan.measured)
        var begun = ContinuousClock.now
        while begun < end {
            try await body(call())
            let ended = ContinuousClock.now
            microseconds.append(begun.duration(to: ended) / .microseconds(1))
            begun = ended
        }
        microseconds.sort()
        func share(_ share: Double) -> Double { microseconds[Int(Double(microseconds.count - 1) * share)] }
        return [("calls", Double(microseconds.count)), ("p50_us", share(0.5)), ("p99_us", share(0.99))]
    }

    // MARK: Reading

    /// Measures a call that makes no query, because its cursor is invalid.
    private func refused(_ call: RPCCall) async throws {
        do throws(RPCError) {
            _ = try await ratings.listRatings(ListRatingsParams(user: plan.users[0], cursor: "none"), call)
        } catch {
            if error.code == RegistryError.invalidCursor.code { return }
            throw error
        }
        throw Complaint("a cursor that is none was taken")
    }

    private func point(_ call: RPCCall) async throws {
        let place = Int.random(in: plan.users.indices)
        _ = try await ratings.getRating(
            GetRatingParams(
                user: plan.users[place], title: plan.title(Int.random(in: 0..<Self.ratedTitles), of: place)),
            call)
    }

    /// Reads a page from a random place in the newer half of somebody's list.
    private func page(_ call: RPCCall) async throws {
        let until = Self.newest.advanced(by: .seconds(-Int.random(in: 0..<Self.datesSeconds / 2)))
        let page = try await ratings.listRatings(
            ListRatingsParams(
                user: plan.users[Int.random(in: plan.users.indices)], until: until, limit: Self.pageRows), call)
        try check(page)
    }

    private func check(_ page: RatingsPage) throws {
        guard page.ratings.count == Self.pageRows, page.nextCursor != nil else {
            throw Complaint("a page has \(page.ratings.count) ratings")
        }
    }

    /// Requests a page once and serves it to others until the process is told to end. Measuring `page` against this
    /// gives the cost of such a call by itself.
    private func serve() async throws -> [(String, Double)] {
        let page = try await ratings.listRatings(
            ListRatingsParams(user: plan.users[0], limit: Self.pageRows), call())
        try check(page)
        try await PageServer(page: page, secrets: plan.secrets).run(port: plan.port)
        return []
    }

    // MARK: Writing

    /// Writes items from several concurrent callers, many in each call.
    private func bulk() async throws -> [(String, Double)] {
        let end = ContinuousClock.now.advanced(by: plan.measured)
        let begun = ContinuousClock.now
        let count = try await withThrowingTaskGroup(of: Int.self) { group in
            for caller in 0..<Self.bulkCallers {
                group.addTask {
                    var count = 0
                    var turn = caller
                    while ContinuousClock.now < end {
                        count += try await write(turn)
                        turn += Self.bulkCallers
                    }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
        return [("rows", Double(count)), ("seconds", begun.duration(to: .now) / .seconds(1))]
    }

    /// Writes a thousand first ratings of a person; returns how many were created.
    private func write(_ turn: Int) async throws -> Int {
        let user = plan.users[turn % plan.users.count]
        let round = turn / plan.users.count * Self.bulkItems
        let items = (0..<Self.bulkItems).map { place in
            RatingWrite(
                title: plan.title(round + place, of: turn), kind: .movie,
                rating: DecimalTenths(tenths: 1 + (turn + place) % 100))
        }
        let written = try await ratings.writeRatings(
            WriteRatingsParams(user: user, items: items, source: .import), call())
        return written.outcomes.count { $0.result == .created }
    }

    /// Rates concurrently, each writer as a person of its own and with a changing value.
    private func writers(_ title: @escaping @Sendable (Int) -> TitleID) async throws -> [(String, Double)] {
        let begun = ContinuousClock.now
        let end = begun.advanced(by: plan.measured)
        let count = try await withThrowingTaskGroup(of: Int.self) { group in
            for writer in 0..<Self.hotWriters {
                group.addTask {
                    var count = 0
                    while ContinuousClock.now < end {
                        let params = RateTitleParams(
                            user: plan.users[writer], title: title(writer), kind: .movie,
                            rating: DecimalTenths(tenths: 1 + count % 100))
                        _ = try await ratings.rateTitle(params, call())
                        count += 1
                    }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
        return [("writes", Double(count)), ("seconds", begun.duration(to: .now) / .seconds(1))]
    }
}
