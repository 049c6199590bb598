internal import NIOCore

/// Answers the requests of one connection: a task per request, run on the connection's loop.
///
/// Confined to that loop.
final class H2ServerSide: H2Side {
    private let handler: @Sendable (H2Request) async -> H2Response
    private let loop: any EventLoop
    private let executor: LoopExecutor
    private let together: H2Together?
    private let release: () -> Void
    private var tasks: [H2StreamID: Task<Void, Never>] = [:]
    private var runningCount = 0
    /// Whether requests of one read are being started; their immediate answers are written together.
    private var isStarting = false
    private var hasEnded = false

    /// `release` is called once, when the connection has ended and none of its handlers runs.
    init(
        loop: any EventLoop, together: H2Together?, handler: @escaping @Sendable (H2Request) async -> H2Response,
        release: @escaping () -> Void
    ) {
        self.loop = loop
        self.handler = handler
        self.release = release
        self.together = together
        executor = LoopExecutor(loop, together: together)
    }

    func act(on events: [H2Event], _ connection: H2ChannelHandler) {
        isStarting = true
        if events.count > 1, let together {
            together { events.forEach { connection.act(on: $0) } }
        } else {
            events.forEach { connection.act(on: $0) }
        }
        isStarting = false
        // Jobs that became ready meanwhile run now instead of in the next turn of the loop.
        executor.runJobs()
    }

    func act(on event: H2Event, _ connection: H2ChannelHandler) {
        switch event {
        case .request(let id, let request): start(id, request, connection)
        case .cancelled(let id): tasks[id]?.cancel()
        case .broken: for task in tasks.values { task.cancel() }
        case .response, .failed, .ready, .pingAcknowledged, .goAway, .observed: break
        }
    }

    /// Runs the handler at once, up to its first suspension; one that never suspends costs no turn of the loop.
    private func start(_ id: H2StreamID, _ request: H2Request, _ connection: H2ChannelHandler) {
        runningCount += 1
        let handler = handler
        let loop = loop
        let bound = NIOLoopBound((side: self, connection: connection), eventLoop: loop)
        let task = Task.immediate(executorPreference: executor) {
            let response = await handler(request)
            if loop.inEventLoop {
                bound.value.side.finish(id, response, bound.value.connection)
            } else {
                loop.execute { bound.value.side.finish(id, response, bound.value.connection) }
            }
        }
        if connection.session.hasHandler(id) { tasks[id] = task }
    }

    private func finish(_ id: H2StreamID, _ response: H2Response, _ connection: H2ChannelHandler) {
        tasks[id] = nil
        runningCount -= 1
        connection.session.respond(to: id, response, now: .now)
        if hasEnded {
            if runningCount == 0 { release() }
        } else if runningCount == 0, !isStarting {
            // No other answer is pending: the client need not wait until the task of this one is cleaned up.
            connection.flush()
        } else {
            connection.scheduleFlush()
        }
    }

    func finishTurn(_ connection: H2ChannelHandler) {}

    func sweep(_ connection: H2ChannelHandler, now: ContinuousClock.Instant) {}

    func end(_ error: H2Error?, _ connection: H2ChannelHandler) {
        guard !hasEnded else { return }
        hasEnded = true
        for task in tasks.values { task.cancel() }
        if runningCount == 0 { release() }
    }
}
