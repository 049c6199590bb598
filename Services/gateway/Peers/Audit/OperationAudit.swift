import Assembly
import Contracts
import RPC

/// Writes the audit of the public side: who did what, from where, and what it came to.
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
        // What the operation tells has happened, whatever came of the call.
        if !facts.objects.isEmpty {
            event.object = facts.objects.map(\.description).joined(separator: " ")
        } else if verdict.outcome == .ok {
            event.object = Self.object(request)
        }
        event.traceID = context.rpc.trace.traceID
        log.write(event)
    }

    /// What the address of a request that succeeded names: an id or a provider, and never a text of somebody's choice.
    private static func object(_ request: EdgeRequest) -> String? {
        request.pathParameters.sorted { $0.key < $1.key }.map(\.value).first {
            UUIDBits($0) != nil || SyncProvider(rawValue: $0) != nil
        }
    }
}
