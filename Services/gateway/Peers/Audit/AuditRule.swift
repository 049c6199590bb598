import Assembly
import Contracts
import JSON

/// When calls of an operation are written to the audit log. Denials always are, whatever the operation.
enum AuditRule: Sendable, Hashable {
    /// Whatever the result.
    case always
    /// Only failures; success is routine.
    case refusals
    /// By the outcome of a connection attempt that the answer reports, once it is settled.
    case decisions
    /// Never, for this reason.
    case never(String)

    /// Every operation that changes who may do what, or hands out a person's data. An operation must be listed if it is
    /// open to all, belongs to accounts, connections or hooks, or exports (`AuditRuleTests`).
    static let rules: [String: AuditRule] = [
        "register": .always, "login": .always, "logout": .always, "refresh": .refusals, "changePassword": .always,
        "beginSecondFactor": .always, "confirmSecondFactor": .always, "removeSecondFactor": .always,
        "deleteMe": .always, "endSession": .always, "endOtherSessions": .always, "createApiKey": .always,
        "deleteApiKey": .always, "createInvite": .always, "deleteInvite": .always,
        "updateMe": .never("changes the time zone and how things are shown"),
        "completeTrakt": .decisions, "pollTraktDevice": .decisions, "completeSimkl": .decisions,
        "pollSimklPin": .decisions, "disconnect": .always,
        "connectTrakt": .never(begins), "startTraktDevice": .never(begins), "connectSimkl": .never(begins),
        "startSimklPin": .never(begins), "updateConnection": .never(goesOn), "startSync": .never(goesOn),
        "resolveConflict": .never(goesOn), "retryJob": .never(goesOn), "cancelJob": .never(goesOn),
        "createHook": .always, "rotateHook": .always, "deleteHook": .always, "assignHookAccount": .always,
        "updateHook": .never("changes the name and what is kept, not the secret"),
        "receiveHook": .never(delivers), "deliverHook": .never(delivers),
        "rerunHookDelivery": .never("reprocesses what was delivered before"),
        "exportData": .always, "exportEverything": .always, "exportLetterboxd": .always,
        "getOpenApi": .never("shows everybody the same"),
    ]

    /// The codes of errors that say that the credentials do not allow an operation.
    private static let denials: Set<String> = [
        RegistryError.forbidden.rawValue, RegistryError.passwordChangeRequired.rawValue,
        RegistryError.secondFactorMissing.rawValue,
    ]
    private static let begins = "connects nothing yet; the operation that completes it is written"
    private static let delivers = "its deliveries are listed for the hook's owner"
    private static let goesOn = "continues with an account that is already connected"

    /// The result of a call.
    struct Verdict: Sendable, Hashable {
        let outcome: AuditEvent.Outcome
        /// The reason for a failure, from a closed set.
        var code: String?
    }

    /// Returns what the log says of a call; nil if it is not written.
    static func verdict(of operation: String, _ answer: EdgeResponse) -> Verdict? {
        if let code = answer.code, denials.contains(code) { return Verdict(outcome: .denied, code: code) }
        guard let rule = rules[operation] else { return nil }
        let isGood = answer.status < 400
        switch rule {
        case .never: return nil
        case .refusals where isGood: return nil
        case .decisions where isGood: return decision(answer.body)
        case .always, .refusals, .decisions: return Verdict(outcome: outcome(answer.status), code: answer.code)
        }
    }

    private static func decision(_ body: [UInt8]) -> Verdict? {
        guard let told = try? decodeJSON(ConnectOutcome.self, from: body) else { return Verdict(outcome: .failed) }
        switch told.result {
        case .pending: return nil
        case .connected: return Verdict(outcome: .ok)
        case .unreachable: return Verdict(outcome: .failed, code: told.result.rawValue)
        case .denied, .expired, .used, .unknown, .refused:
            return Verdict(outcome: .refused, code: told.result.rawValue)
        }
    }

    /// Aborted calls, 408, 499 and all from 500, cannot be said to have been refused.
    private static func outcome(_ status: Int) -> AuditEvent.Outcome {
        if status < 400 { return .ok }
        return status == 408 || status >= 499 ? .failed : .refused
    }
}
