/// A request that could not proceed at once, because others of its connection were in work, and waits for its turn. The
/// set is closed: it is the label of a counter.
package enum EdgeWait: String, Sendable, CaseIterable {
    /// A request sent ahead of the answer to the one before.
    case http1
    /// One of many concurrent requests.
    case http2
}

package typealias EdgeWaitSink = @Sendable (EdgeWait) -> Void
