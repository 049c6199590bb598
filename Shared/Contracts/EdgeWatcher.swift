internal import Synchronization

/// Is notified of the outcomes of operations, whether or not anybody waited for the response.
package protocol EdgeWatcher: Sendable {
    func hear(
        _ answer: EdgeResponse, of operation: String, to request: EdgeRequest, from caller: EdgeCaller?,
        _ context: EdgeContext)
}

/// Whom and what a request turns out to concern, according to its credentials or the operation; for the log, never in a
/// response.
package final class EdgeSubject: Sendable {
    package struct Facts: Sendable {
        /// The person whose account it is.
        package var person: UserID?
        /// The requested user name, in its unique form, whether or not anybody has it.
        package var username: String?
        /// The ids of what was created or ended.
        package var objects: [UUIDBits] = []
    }

    private let state = Mutex(Facts())

    package init() {}

    package var facts: Facts { state.withLock { $0 } }

    package func tell(person: UserID) { state.withLock { $0.person = person } }
    package func tell(username: String) { state.withLock { $0.username = username } }
    package func tell(object: UUIDBits) { tell(objects: [object]) }
    package func tell(objects: [UUIDBits]) { state.withLock { $0.objects = objects } }
}
