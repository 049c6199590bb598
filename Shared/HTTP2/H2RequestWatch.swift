internal import NIOCore
internal import Watching

/// Looks for the next request for a moment before its loop's thread goes to sleep, where requests follow one another so
/// soon that being woken would cost more than to answer them.
///
/// Only while no handler of the loop runs, and less and less often while requests do not come in time: it costs nothing
/// where they are rare, and nothing where some are always under way. One for each loop, confined to it.
final class H2RequestWatch {
    private let loop: any EventLoop
    private let limits: H2Limits
    private let isOn: Bool
    private var rule = WatchRule()
    private var sockets = WatchedSockets()
    private var runningCount = 0
    private var answerCount = 0
    private var isPlanned = false

    /// One for each loop of the group, by the loop's identity.
    static func forEach(
        of group: any EventLoopGroup, limits: H2Limits
    ) -> [ObjectIdentifier: NIOLoopBoundBox<H2RequestWatch>] {
        var watches: [ObjectIdentifier: NIOLoopBoundBox<H2RequestWatch>] = [:]
        for loop in group.makeIterator() {
            watches[ObjectIdentifier(loop)] = .makeBoxSendingValue(
                H2RequestWatch(loop: loop, limits: limits), eventLoop: loop)
        }
        return watches
    }

    private init(loop: any EventLoop, limits: H2Limits) {
        self.loop = loop
        self.limits = limits
        isOn = limits.requestWatch > .zero && WatchRule.hasProcessors
    }

    /// The descriptor is only asked whether it can be read, so it does no harm that it is closed before it is removed.
    func add(_ descriptor: Int32) { sockets.add(descriptor) }

    func remove(_ descriptor: Int32) { sockets.remove(descriptor) }

    func started() { runningCount += 1 }

    func finished() {
        runningCount -= 1
        answerCount &+= 1
        guard isOn, runningCount == 0, !isPlanned, sockets.count <= limits.watchedConnectionsMax, rule.mayStart() else {
            return
        }
        isPlanned = true
        lookLater()
    }

    /// What the loop still has to do comes first, above all to send the answers.
    private func lookLater() {
        let bound = NIOLoopBound((watch: self, answerCount: answerCount), eventLoop: loop)
        loop.execute {
            let (watch, answerCount) = bound.value
            if watch.answerCount != answerCount { return watch.lookLater() }
            watch.isPlanned = false
            if watch.runningCount == 0 { watch.look() }
        }
    }

    private func look() { rule.note(isInTime: sockets.look(for: limits.requestWatch)) }
}
