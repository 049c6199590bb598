package import JSON

/// The only error type of calls, as sent on the wire: a code, a message that may reach a person, and typed data.
@usableFromInline
package struct RPCError: Error, Sendable, Hashable {
    /// A JSON-RPC code (−32700…−32600) or one from the registry (1000–1999).
    package let code: Int
    /// One sentence that is safe to show; causes go to the log.
    package let message: String
    /// Details, in the shape that the registry defines for the code.
    package let data: JSONBytes?
    /// Whether the same call may succeed later, unchanged.
    package let isRetryable: Bool
    /// The cause, for the log of the process that created the error; never sent.
    package private(set) var cause: String?

    /// Creates an error; `isRetryable` follows the code's own rule unless the registry says otherwise.
    package init(code: Int, message: String, data: JSONBytes? = nil, isRetryable: Bool? = nil) {
        self.code = code
        self.message = message
        self.data = data
        self.isRetryable = isRetryable ?? Code.isRetryable(code)
    }

    /// Returns the same error with a cause, which is logged with the trace id.
    package func because(_ cause: String) -> RPCError {
        var error = self
        error.cause = cause
        return error
    }
}

extension RPCError {
    /// The codes that the call layer itself uses; the rest of the registry belongs to the services.
    package enum Code {
        package static let parseError = -32_700
        package static let invalidRequest = -32_600
        package static let methodNotFound = -32_601
        package static let invalidParams = -32_602
        package static let `internal` = -32_603
        package static let unauthenticated = 1_001
        package static let deadlineExceeded = 1_002
        package static let unavailable = 1_003
        package static let cancelled = 1_004
        package static let overloaded = 1_005
        package static let outcomeUnknown = 1_006

        /// Returns whether a call that ended with `code` may succeed later; matches the registry for the layer's own
        /// codes.
        package static func isRetryable(_ code: Int) -> Bool { (deadlineExceeded...overloaded).contains(code) }
    }

    package static func `internal`(_ message: String) -> RPCError { RPCError(code: Code.internal, message: message) }
    @usableFromInline
    package static func invalidParams(_ message: String) -> RPCError {
        RPCError(code: Code.invalidParams, message: message)
    }

    // Internal, since the generated registry offers factories of the same names to all other modules.
    static func parseError(_ message: String) -> RPCError { RPCError(code: Code.parseError, message: message) }
    static func invalidRequest(_ message: String) -> RPCError { RPCError(code: Code.invalidRequest, message: message) }
    static func unavailable(_ message: String) -> RPCError { RPCError(code: Code.unavailable, message: message) }
    static func overloaded(_ message: String) -> RPCError { RPCError(code: Code.overloaded, message: message) }

    static let methodNotFound = RPCError(code: Code.methodNotFound, message: "There is no such method.")
    static let unauthenticated = RPCError(
        code: Code.unauthenticated, message: "The caller did not prove that it is a service of this installation.")
    static let deadlineExceeded = RPCError(code: Code.deadlineExceeded, message: "The call timed out.")
    static let cancelled = RPCError(code: Code.cancelled, message: "The caller cancelled the call.")
    static let outcomeUnknown = RPCError(
        code: Code.outcomeUnknown, message: "The connection broke; the call may or may not have taken effect.")
    static let outcomeUnknownInTime = RPCError(
        code: Code.outcomeUnknown, message: "The call timed out; it may or may not have taken effect.")
}
