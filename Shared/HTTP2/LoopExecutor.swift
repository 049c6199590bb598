package import NIOCore
internal import NIOPosix
internal import Synchronization

/// Runs the jobs of tasks on one event loop, so that a handler starts, resumes and answers on the loop of its
/// connection without a change of thread. Jobs that come at the same moment share one turn of the loop.
package final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop
    private let together: H2Together?
    private let jobs = Mutex<[UnownedJob]>([])

    /// `together` is around the jobs of each turn.
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

    /// Runs what waits for the next turn; on the loop, and from none of these jobs.
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

/// Returns when the event loop that this runs on has begun everything that came at the same moment; elsewhere after whoever is
/// ready to run.
package func turnOfLoop() async {
    guard let loop = MultiThreadedEventLoopGroup.currentEventLoop else { return await Task.yield() }
    await withCheckedContinuation { continuation in loop.execute { continuation.resume() } }
}
