import Contracts
import Cryptography
import RPC
import Store

/// `login`: opens a session. An unknown name and a wrong password get the same answer after the same work: the same
/// statements on rows of the same size, and a check against a hash of the same cost.
struct Login: Sendable {
    let accounts: Accounts

    func run(_ input: LoginInput, _ context: EdgeContext) async throws(RPCError) -> EdgeReply<SessionGrant> {
        let deadline = context.rpc.deadline
        let username = Username(input.body.username)
        let network = LoginAttempt.network(of: username, from: context.clientAddress)
        let credentials = try await asking { () throws(StoreError) in
            try await accounts.store.credentials(
                of: username, from: network, decoy: accounts.hasher.decoy, until: deadline)
        }
        let attempt = LoginAttempt.login(
            username, from: context.clientAddress, isKnown: credentials.areFromKnownNetwork, limits: accounts.limits)
        try await accounts.admit(attempt, until: deadline)
        let verdict = try await accounts.verify(input.body.password, against: credentials.passwordHash, attempt)
        guard credentials.areSomebodys, case .match(let needsRehash) = verdict else { throw Self.refusal }
        let newHash = needsRehash ? try await accounts.hash(input.body.password) : nil
        let now = accounts.clock.now
        let (session, token, refresh) = accounts.newSession(
            at: now, device: input.body.device, address: context.clientAddress)
        let stored = try await asking { () throws(StoreError) in
            try await accounts.store.user(credentials.user, until: deadline)
        }
        guard let stored else { throw Self.refusal }
        do {
            try await accounts.store.open(
                GatewayStore.OpenedLogin(
                    credentials: credentials, session: session, attempt: attempt, newHash: newHash),
                at: now, limits: accounts.limits, until: deadline)
        } catch .conflict {
            // The account was closed this very moment.
            throw Self.refusal
        } catch {
            throw error.asRPCError
        }
        return EdgeReply(SessionGrant(session, token, refresh, stored.user))
    }

    private static var refusal: RPCError { .invalidCredentials("user name or password is wrong") }
}
