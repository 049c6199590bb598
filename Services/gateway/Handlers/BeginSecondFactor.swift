import Contracts
import Cryptography
import RPC
import Store

/// `beginSecondFactor`: makes a secret for an authenticator app; it protects nothing until a code confirms it. Requires
/// a recent login, so that nobody who gets hold of an old session can set up a factor of their own.
struct BeginSecondFactor: Sendable {
    let accounts: Accounts

    func run(
        _ input: BeginSecondFactorInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<SecondFactorSecret> {
        let deadline = context.rpc.deadline
        let stored = try await asking { () throws(StoreError) in
            try await accounts.store.user(caller.user, until: deadline)
        }
        guard let stored else { throw .unauthenticated("the account no longer exists") }
        let totp = TOTP()
        let outcome = try await asking { () throws(StoreError) in
            try await accounts.factors.begin(
                totp, of: caller.user, asking: SessionID(caller.credential), freshSince: accounts.reauthenticatedSince,
                at: accounts.clock.now, until: deadline)
        }
        switch outcome {
        case .begun: break
        case .exists: throw .hasSecondFactor
        case .unproven: throw .notReauthenticated
        }
        let secret = Base32.encode(totp.secret)
        return EdgeReply(
            SecondFactorSecret(secret: secret, otpauthUrl: Self.address(of: secret, for: stored.user.username)))
    }

    /// The URL that apps read from a QR code. A user name has no character that needs escaping.
    private static func address(of secret: String, for username: String) -> String {
        "otpauth://totp/Reelay:\(username)?secret=\(secret)&issuer=Reelay&algorithm=SHA1"
            + "&digits=\(TOTP.digitCount)&period=\(TOTP.stepSeconds)"
    }
}
