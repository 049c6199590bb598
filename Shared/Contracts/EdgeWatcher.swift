internal import Synchronization

/// Hears what calls of operations come to, whether or not anybody waited for the answer.
package protocol EdgeWatcher: Sendable {
    func hear(
        _ answer: EdgeResponse, of operation: String, to request: EdgeRequest, from caller: EdgeCaller?,
        _ context: EdgeContext)
}

/// Whom and what a request turns out to be about, as its credentials or the operation tell; for the log, and in no answer.
package final class EdgeSubject: Sendable {
    package struct Facts: Sendable {
        /// Whose account it is.
        package var person: UserID?
        /// The user name that was asked for, in the form under which it is unique, whether or not somebody has it.
        package var username: String?
        /// The ids of what was made, or ended.
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
