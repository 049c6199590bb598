internal import Contracts
package import Postgres
package import RPC

/// The failure of a store call, in terms shared by all services.
package enum StoreError: Error, Sendable, Hashable {
    /// A row that must be unique, or must exist, is not: the constraint's name tells which.
    case conflict(constraint: String)
    /// The database cannot be reached or refuses work now; nothing was changed.
    case unavailable
    /// More work waits than can be done in time; nothing was changed.
    case overloaded
    /// The deadline of the call passed; nothing was changed.
    case deadlineExceeded
    /// The caller cancelled; nothing was changed.
    case cancelled
    /// The connection broke while a change was being stored.
    case outcomeUnknown
    /// A value that Postgres does not accept; of what the services send this can only be the name of a time zone.
    case invalidValue(String)
    /// A bug of ours: a statement that Postgres does not understand, a row that does not decode.
    case fault(String)

    package init(_ error: PGError) {
        switch error.kind {
        case .server:
            self =
                switch error.sqlState.prefix(2) {
                case "22" where error.sqlState == "22023": .invalidValue(String(describing: error))
                case "23": .conflict(constraint: error.constraint ?? "")
                case "40", "53", "55", "57": .unavailable
                default: .fault(String(describing: error))
                }
        case .connectionLost, .unavailable, .closed: self = .unavailable
        case .outcomeUnknown: self = .outcomeUnknown
        case .deadlineExceeded: self = .deadlineExceeded
        case .cancelled: self = .cancelled
        case .overloaded: self = .overloaded
        case .decoding, .invalidParameter, .migration, .configuration: self = .fault(String(describing: error))
        }
    }

    /// The error for a caller who can do nothing about the database; conflicts are handled by the handler itself.
    package var asRPCError: RPCError {
        switch self {
        case .unavailable: .unavailable("the database cannot be reached")
        case .overloaded: .overloaded("too much work is waiting for the database")
        case .deadlineExceeded: .deadlineExceeded("the database did not answer in time")
        case .cancelled: .cancelled("the caller cancelled the call")
        case .outcomeUnknown: .outcomeUnknown("the connection to the database broke while the change was being stored")
        case .conflict(let constraint): Self.failed.because("the constraint \(constraint) was violated")
        case .invalidValue(let cause), .fault(let cause): Self.failed.because(cause)
        }
    }

    private static var failed: RPCError { .internal("the service failed; its log says why") }
}
