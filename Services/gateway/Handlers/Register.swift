import Contracts
import Cryptography
import RPC
import Store

/// `register`: makes an account and opens its first session. The first person becomes the administrator.
struct Register: Sendable {
    let accounts: Accounts

    func run(_ input: RegisterInput, _ context: EdgeContext) async throws(RPCError) -> EdgeReply<SessionGrant> {
        let deadline = context.rpc.deadline
        let username = Username(input.body.username)
        // Asked first only to spare the hash; the insert decides.
        if !accounts.isRegistrationOpen {
            let isFounded = try await asking { () throws(StoreError) in
                try await accounts.store.isFounded(until: deadline)
            }
            if isFounded { throw .registrationClosed("registration is closed") }
        }
        if let fault = PasswordPolicy.fault(input.body.password, username: username) {
            throw .weakPassword(fault.explanation)
        }
        let hash: String
        do {
            hash = try await accounts.hasher.hash(Secret(input.body.password))
        } catch {
            throw error.asRPCError
        }
        let now = accounts.clock.now
        let (session, token) = accounts.newSession(at: now)
        let registration = GatewayStore.Registration(
            id: UserID(accounts.ids.next()), username: username, passwordHash: hash, at: now, session: session)
        let user: User?
        do {
            user = try await accounts.store.register(
                registration, isOpen: accounts.isRegistrationOpen, until: deadline)
        } catch .conflict(constraint: "users_username_key_key") {
            throw .usernameTaken("this user name is taken")
        } catch {
            throw error.asRPCError
        }
        guard let user else { throw .registrationClosed("registration is closed") }
        return EdgeReply(SessionGrant(token: token.text.revealed, expiresAt: session.expiresAt, user: user))
    }
}
