// Its headers bring in glibc's thread types, which the compiler then attributes to it.
internal import COpenSSL
internal import Glibc
internal import Synchronization

/// Bounds of one set of worker threads.
package struct WorkerThreadsLimits: Sendable {
    /// Jobs that run at once, each on its own thread.
    package var runningMax = 2
    /// Jobs that wait for a thread.
    package var waitingMax = 50

    package init() {}

    package init(runningMax: Int, waitingMax: Int) {
        self.runningMax = runningMax
        self.waitingMax = waitingMax
    }
}

/// The reason a job did not run.
package enum WorkerThreadsError: Error, Sendable, Equatable {
    /// The maximum number of jobs run and wait already.
    case busy
    /// The task was cancelled while its job waited.
    case cancelled
}

/// Runs long computations on its own threads, so that neither the cooperative pool nor an event loop is blocked.
///
/// Threads start when there is work and end when there is none, so that an idle process holds no stacks for them.
package final class WorkerThreads: Sendable {
    private struct Job {
        let id: UInt64
        let run: @Sendable () -> Void
        let refuse: @Sendable (WorkerThreadsError) -> Void
    }

    private struct State {
        var nextID: UInt64 = 0
        var runningCount = 0
        var waiting: [Job] = []
        /// Jobs cancelled before they were enqueued.
        var cancelledEarly: Set<UInt64> = []
    }

    private enum Admission {
        case start(Job)
        case wait
        case refuse(WorkerThreadsError)
    }

    private static let stackBytes = 512 * 1024

    private let limits: WorkerThreadsLimits
    private let state = Mutex(State())

    package init(limits: WorkerThreadsLimits = WorkerThreadsLimits()) {
        self.limits = limits
    }

    /// The number of jobs that wait for a thread.
    package var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Runs `work` on a worker thread; throws `busy` at once if the queue is full and `cancelled` if the task is
    /// cancelled before its turn. Work that has started runs to completion.
    package func run<Value: Sendable>(
        _ work: @escaping @Sendable () -> Value
    ) async throws(WorkerThreadsError) -> Value {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        let outcome: Result<Value, WorkerThreadsError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                enqueue(
                    Job(
                        id: id, run: { continuation.resume(returning: .success(work())) },
                        refuse: { continuation.resume(returning: .failure($0)) }))
            }
        } onCancel: {
            cancel(id)
        }
        state.withLock { _ = $0.cancelledEarly.remove(id) }
        return try outcome.get()
    }

    private func enqueue(_ job: Job) {
        let admission: Admission = state.withLock { state in
            if state.cancelledEarly.contains(job.id) { return .refuse(.cancelled) }
            if state.runningCount < limits.runningMax {
                state.runningCount += 1
                return .start(job)
            }
            if state.waiting.count < limits.waitingMax {
                state.waiting.append(job)
                return .wait
            }
            return .refuse(.busy)
        }
        switch admission {
        case .start(let job):
            startThread(job)
        case .wait:
            break
        case .refuse(let reason):
            job.refuse(reason)
        }
    }

    private func cancel(_ id: UInt64) {
        let job: Job? = state.withLock { state in
            guard let index = state.waiting.firstIndex(where: { $0.id == id }) else {
                state.cancelledEarly.insert(id)
                return nil
            }
            return state.waiting.remove(at: index)
        }
        job?.refuse(.cancelled)
    }

    private func startThread(_ job: Job) {
        let start = ThreadStart { [self] in drain(from: job) }
        if !start.launch(stackBytes: Self.stackBytes) {
            state.withLock { $0.runningCount -= 1 }
            job.refuse(.busy)
        }
    }

    /// Runs jobs until none waits; called on a worker thread.
    private func drain(from first: Job) {
        var job: Job? = first
        while let current = job {
            current.run()
            job = state.withLock { state in
                if state.waiting.isEmpty {
                    state.runningCount -= 1
                    return nil
                }
                return state.waiting.removeFirst()
            }
        }
    }
}

/// The body of a new thread; passed across the C boundary as one retained object, which the new thread releases.
private final class ThreadStart: Sendable {
    private let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) { self.body = body }

    /// Starts the thread; returns whether that succeeded.
    func launch(stackBytes: Int) -> Bool {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        defer { unsafe pthread_attr_destroy(&attributes) }
        unsafe pthread_attr_setstacksize(&attributes, stackBytes)
        unsafe pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
        let retained = unsafe Unmanaged.passRetained(self)
        var thread = pthread_t()
        let outcome = unsafe pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            }, retained.toOpaque())
        if outcome != 0 { unsafe retained.release() }
        return outcome == 0
    }
}
