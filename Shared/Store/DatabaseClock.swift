package import Contracts
internal import Postgres
internal import Synchronization

/// The database's time of day, carried forward by the monotonic clock between checks. It is the same clock for all
/// copies of a service and for `now` in its queries, and steps of a machine's own clock do not affect it.
package final class DatabaseClock: WallClock {
    /// How often it is compared with the database's clock.
    static let interval = Duration.seconds(10)
    /// How long a check may take; a slower one is too imprecise.
    static let patience = Duration.seconds(2)

    private let database: Database
    private let observe: @Sendable (_ ahead: Duration) -> Void
    private let course = Mutex<Course?>(nil)

    /// `observe` is called at each check with how far the machine's own clock is ahead of the database's, to within the
    /// time the answer took.
    package init(database: Database, observe: @escaping @Sendable (_ ahead: Duration) -> Void = { _ in }) {
        self.database = database
        self.observe = observe
    }

    /// The machine's own time until the first answer of the database.
    package var now: Timestamp {
        let instant = ContinuousClock.now
        return course.withLock { $0?.moment(at: instant) } ?? SystemWallClock().now
    }

    private static let question = PGStatement("store.clock", "SELECT clock_timestamp()", kind: .solo) {
        row throws(PGError) in try row.next(Timestamp.self)
    }

    /// Asks the database once; if it does not answer, the clock continues as before.
    package func look() async {
        let asked = ContinuousClock.now
        let rows = try? await database.rows(Self.question, [], until: asked + Self.patience)
        let answered = ContinuousClock.now
        guard let told = rows?.first else { return }
        observe(told.duration(to: SystemWallClock().now))
        course.withLock { course in
            let seen = Course(told, asked: asked, answered: answered)
            course = course.map { $0.corrected(by: seen) } ?? seen
        }
    }

    /// Checks repeatedly until cancelled.
    package func run() async {
        while !Task.isCancelled {
            do { try await Task.sleep(for: Self.interval * Double.random(in: 0.75...1.25)) } catch { return }
            await look()
        }
    }
}

extension DatabaseClock {
    /// A time of another clock, and the corresponding instant of the monotonic one.
    struct Course: Sendable, Hashable {
        /// Clocks that differ by less count as equal: network delay must not make the time jitter.
        static let tolerance = Duration.milliseconds(25)

        private let told: Timestamp
        private let instant: ContinuousClock.Instant
        /// The possible error: half the time that the answer took.
        private let doubt: Duration

        init(_ told: Timestamp, asked: ContinuousClock.Instant, answered: ContinuousClock.Instant) {
            self.told = told
            doubt = asked.duration(to: answered) / 2
            instant = asked + doubt
        }

        func moment(at instant: ContinuousClock.Instant) -> Timestamp {
            told.advanced(by: self.instant.duration(to: instant))
        }

        /// Returns the later course if it proves that this one is off, else this one.
        func corrected(by later: Course) -> Course {
            let apart = moment(at: later.instant).duration(to: later.told)
            let distance = apart < .zero ? .zero - apart : apart
            return distance > Self.tolerance + later.doubt ? later : self
        }
    }
}
