package import NIOCore
internal import NIOPosix
internal import Synchronization

/// Runs the jobs of tasks on one event loop, so that a handler starts, resumes and answers on the loop of its
/// connection without a thread switch. Jobs enqueued at the same time share one turn of the loop.
package final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop
    private let together: H2Together?
    private let jobs = Mutex<[UnownedJob]>([])

    /// `together` wraps the jobs of each turn.
    package init(_ loop: any EventLoop, together: H2Together? = nil) {
        self.loop = loop
        self.together = together
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let isFirst = jobs.withLock { jobs in
            jobs.append(job)
            return jobs.count == 1
        }
        if isFirst { loop.execute { self.runJobs() } }
    }

    /// Runs the jobs that wait for the next turn; must be called on the loop, and not from one of these jobs.
    func runJobs() {
        let jobs = jobs.withLock { jobs in
            var taken: [UnownedJob] = []
            swap(&taken, &jobs)
            return taken
        }
        guard jobs.count > 1, let together else { return run(jobs) }
        together { run(jobs) }
    }

    private func run(_ jobs: [UnownedJob]) {
        for job in jobs { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

/// Returns once the current event loop has started everything that arrived in the same turn; outside a loop, yields to
/// other tasks.
package func turnOfLoop() async {
    guard let loop = MultiThreadedEventLoopGroup.currentEventLoop else { return await Task.yield() }
    await withCheckedContinuation { continuation in loop.execute { continuation.resume() } }
}
