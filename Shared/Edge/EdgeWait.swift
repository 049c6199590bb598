/// A request that could not go on at once, since others of its connection were in work, and waits for its turn. The set is
/// closed: it is the label of a counter.
package enum EdgeWait: String, Sendable, CaseIterable {
    /// One that was sent ahead of an answer.
    case http1
    /// One of many at once.
    case http2
}

package typealias EdgeWaitSink = @Sendable (EdgeWait) -> Void
