package import Contracts
internal import Postgres
internal import Synchronization

/// The time of day as the database has it, carried on by the monotonic clock between two looks: one clock for all copies of a
/// service and for what its queries call now, which a step of a machine's own clock does not move.
package final class DatabaseClock: WallClock {
    /// How often it is compared with the database's.
    static let interval = Duration.seconds(10)
    /// The longest that a look may take; a slower one tells too little.
    static let patience = Duration.seconds(2)

    private let database: Database
    private let observe: @Sendable (_ ahead: Duration) -> Void
    private let course = Mutex<Course?>(nil)

    /// `observe` is told with each look how far the machine's own clock is ahead of the database's, give or take what the answer
    /// took.
    package init(database: Database, observe: @escaping @Sendable (_ ahead: Duration) -> Void = { _ in }) {
        self.database = database
        self.observe = observe
    }

    /// The machine's own time until the database was asked for the first time.
    package var now: Timestamp {
        let instant = ContinuousClock.now
        return course.withLock { $0?.moment(at: instant) } ?? SystemWallClock().now
    }

    private static let question = PGStatement("store.clock", "SELECT clock_timestamp()", kind: .solo) {
        row throws(PGError) in try row.next(Timestamp.self)
    }

    /// Asks the database once; where it does not answer, the clock goes on as it did.
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

    /// Goes on asking until it is cancelled.
    package func run() async {
        while !Task.isCancelled {
            do { try await Task.sleep(for: Self.interval * Double.random(in: 0.75...1.25)) } catch { return }
            await look()
        }
    }
}

extension DatabaseClock {
    /// A moment of another clock, and where it lay on the monotonic one.
    struct Course: Sendable, Hashable {
        /// Two clocks that differ by less go alike: what an answer takes on its way must not make the time tremble.
        static let tolerance = Duration.milliseconds(25)

        private let told: Timestamp
        private let instant: ContinuousClock.Instant
        /// How far the answer may be off: half of what it took.
        private let doubt: Duration

        init(_ told: Timestamp, asked: ContinuousClock.Instant, answered: ContinuousClock.Instant) {
            self.told = told
            doubt = asked.duration(to: answered) / 2
            instant = asked + doubt
        }

        func moment(at instant: ContinuousClock.Instant) -> Timestamp {
            told.advanced(by: self.instant.duration(to: instant))
        }

        /// The later look, where it shows for sure that this one is off.
        func corrected(by later: Course) -> Course {
            let apart = moment(at: later.instant).duration(to: later.told)
            let distance = apart < .zero ? .zero - apart : apart
            return distance > Self.tolerance + later.doubt ? later : self
        }
    }
}
