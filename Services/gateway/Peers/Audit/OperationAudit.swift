import Assembly
import Contracts
import RPC

/// Writes the audit log of the public API: who did what, from where, and with what result.
struct OperationAudit: EdgeWatcher {
    let log: AuditLog

    func hear(
        _ answer: EdgeResponse, of operation: String, to request: EdgeRequest, from caller: EdgeCaller?,
        _ context: EdgeContext
    ) {
        guard let verdict = AuditRule.verdict(of: operation, answer) else { return }
        let facts = context.subject.facts
        var event = AuditEvent(operation, verdict.outcome)
        event.code = verdict.code
        event.person = (caller?.user ?? facts.person)?.description
        event.username = facts.username
        event.address = context.clientAddress.isEmpty ? nil : context.clientAddress
        if let caller {
            event.credential = caller.scopes == nil ? "session" : "key"
            event.credentialID = caller.credential.description
        }
        // What the operation reports has happened, whatever the result of the call.
        if !facts.objects.isEmpty {
            event.object = facts.objects.map(\.description).joined(separator: " ")
        } else if verdict.outcome == .ok {
            event.object = Self.object(request)
        }
        event.traceID = context.rpc.trace.traceID
        log.write(event)
    }

    /// Returns what the path of a successful request names: an id or a provider, never free text.
    private static func object(_ request: EdgeRequest) -> String? {
        request.pathParameters.sorted { $0.key < $1.key }.map(\.value).first {
            UUIDBits($0) != nil || SyncProvider(rawValue: $0) != nil
        }
    }
}
