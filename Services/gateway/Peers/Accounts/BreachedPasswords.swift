internal import AsyncHTTPClient
internal import CoreMetrics
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import Outbound
internal import Synchronization

/// Limits of questions about breached passwords.
package struct BreachLimits: Sendable {
    /// The longest that a question may take, from connecting to the end of its answer.
    package var questionTimeout = Duration.seconds(2)
    /// The part of a request's time that a question leaves for hashing and storing the password.
    package var reserve = Duration.seconds(3)
    /// The maximum number of questions at a time, and of connections; passwords beyond that are not asked about.
    package var questionsMax = 8
    /// The size of the largest answer that is read; with padding they have some 40 KB.
    package var answerBytesMax = 262_144
    /// How long nobody is asked after an answer did not come: whoever registers meanwhile does not wait for another.
    package var pause = Duration.seconds(5)
    /// The shortest time between two log lines about passwords that could not be asked about.
    package var warningInterval = Duration.seconds(600)

    package init() {}
}

/// Asks the range API of Pwned Passwords whether a new password is known from data breaches. Only the first five digits
/// of its SHA-1 are sent, and nothing of it is logged. Without an answer the password is left to the local rules, so
/// that an installation without internet keeps working; a counter and, now and then, a warning tell of it. After a
/// question that nobody answered, none is asked for a moment, so that not everybody waits in vain.
package final class BreachedPasswords: Sendable {
    /// What is known of a password.
    enum Outcome: Sendable, Hashable {
        case clean
        case breached
        /// There is no answer.
        case unasked(Cause)
    }

    /// Why there is no answer.
    enum Cause: String, Error, Sendable, Hashable {
        /// The request has to be answered too soon.
        case noTime = "no time is left"
        case busy = "too many questions are open"
        case late = "the answer was not there in time"
        case unreachable = "the connection failed"
        /// An answer did not come a moment ago.
        case paused = "there was no answer a moment ago"
        /// The caller withdrew the request.
        case cancelled = "the request was cancelled"
        /// Anything but 200; redirects are not followed.
        case status = "the answer has another status than 200"
        case tooLarge = "the answer is larger than is read"
        case malformed = "the answer is malformed"
    }

    private struct State {
        var openCount = 0
        /// When questions may be asked again, after one without an answer.
        var resumesAt: ContinuousClock.Instant?
        /// The passwords that were not asked about since the last warning.
        var unaskedCount = 0
        var warnedAt: ContinuousClock.Instant?
    }

    private let url: String
    private let userAgent: String
    private let client: HTTPClient
    private let limits: BreachLimits
    private let logger: Logger
    /// All exist from the start: a counter first read at one does not show that it rose.
    private let clean: Counter
    private let breached: Counter
    private let unasked: Counter
    private let state = Mutex(State())

    /// `url` is the base of the API, such as `https://api.pwnedpasswords.com`. Does not take ownership of the client:
    /// its creator shuts it down.
    init(
        url: String, userAgent: String, client: HTTPClient, limits: BreachLimits = BreachLimits(), logger: Logger,
        factory: any MetricsFactory
    ) {
        func counter(_ outcome: String) -> Counter {
            Counter(label: "breached_password_checks_total", dimensions: [("outcome", outcome)], factory: factory)
        }
        var url = url
        while url.hasSuffix("/") { url.removeLast() }
        self.url = url
        self.userAgent = userAgent
        self.client = client
        self.limits = limits
        self.logger = logger
        clean = counter("clean")
        breached = counter("breached")
        unasked = counter("unasked")
    }

    /// Returns the configuration of the client. Redirects are not followed, so that no answer can send the digits
    /// elsewhere.
    static func configuration(_ limits: BreachLimits = BreachLimits()) -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout.connect = TimeAmount(limits.questionTimeout)
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = limits.questionsMax
        // Where nobody can be reached, nobody should wait. One failed attempt ends all questions that wait for it.
        configuration.connectionPool.retryConnectionEstablishment = false
        return configuration
    }

    /// Returns what is known of `password`, after `questionTimeout` at most, and in time for a request that has to be
    /// answered by `deadline`.
    func outcome(of password: String, until deadline: ContinuousClock.Instant) async -> Outcome {
        let outcome = await ask(BreachRange(password), until: deadline)
        switch outcome {
        case .clean: clean.increment()
        case .breached: breached.increment()
        // Then the request ends, and nothing is stored.
        case .unasked(.cancelled): break
        case .unasked(let cause):
            unasked.increment()
            warn(cause)
        }
        return outcome
    }

    private func ask(_ range: BreachRange, until deadline: ContinuousClock.Instant) async -> Outcome {
        let left = ContinuousClock.now.duration(to: deadline)
        let limit = min(limits.questionTimeout, left - limits.reserve)
        guard limit > .zero else { return .unasked(.noTime) }
        if let obstacle = begin() { return .unasked(obstacle) }
        defer { end() }
        do {
            let answer = try await answer(to: range.prefix, within: limit)
            return try range.isBreached(in: answer) ? .breached : .clean
        } catch {
            let cause = Self.cause(error)
            // A request with hardly any time left must not keep others from asking.
            if cause == .unreachable || cause == .late && limit == limits.questionTimeout {
                state.withLock { $0.resumesAt = .now + limits.pause }
            }
            return .unasked(cause)
        }
    }

    private func answer(to prefix: String, within limit: Duration) async throws -> [UInt8] {
        var request = HTTPClientRequest(url: "\(url)/range/\(prefix)")
        request.headers.add(name: "add-padding", value: "true")
        request.headers.add(name: "user-agent", value: userAgent)
        let question = request
        return try await within(limit, orThrow: Cause.late) { [client, limits] in
            let response = try await client.execute(question, deadline: .distantFuture)
            guard response.status.code == 200 else { throw Cause.status }
            let body = try await response.body.collect(upTo: limits.answerBytesMax)
            return Array(body.readableBytesView)
        }
    }

    private static func cause(_ error: any Error) -> Cause {
        switch error {
        case let cause as Cause: return cause
        case is MalformedBreachRange: return .malformed
        case is NIOTooManyBytesError: return .tooLarge
        case is CancellationError: return .cancelled
        case let error as HTTPClientError:
            if error == .cancelled { return .cancelled }
            let late: [HTTPClientError] = [.deadlineExceeded, .readTimeout, .connectTimeout]
            return late.contains(error) ? .late : .unreachable
        default: return .unreachable
        }
    }

    /// Takes one of the places; returns what prevents that, if anything does.
    private func begin() -> Cause? {
        state.withLock { state in
            if let resumesAt = state.resumesAt, ContinuousClock.now < resumesAt { return .paused }
            guard state.openCount < limits.questionsMax else { return .busy }
            state.openCount += 1
            return nil
        }
    }

    private func end() { state.withLock { $0.openCount -= 1 } }

    private func warn(_ cause: Cause) {
        let now = ContinuousClock.now
        let count: Int? = state.withLock { state in
            state.unaskedCount += 1
            if let warnedAt = state.warnedAt, now - warnedAt < limits.warningInterval { return nil }
            defer { state.unaskedCount = 0 }
            state.warnedAt = now
            return state.unaskedCount
        }
        guard let count else { return }
        logger.warning(
            "new passwords were not compared with breached ones",
            metadata: ["cause": "\(cause.rawValue)", "count": "\(count)"])
    }
}
