package import Contracts
package import RPC

/// Accounts, sessions, keys and invitations.
extension GatewayService {
    package func register(
        _ input: RegisterInput, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<SessionGrant> {
        try await Register(accounts: accounts).run(input, context)
    }

    package func login(
        _ input: LoginInput, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<SessionGrant> {
        try await Login(accounts: accounts).run(input, context)
    }

    package func logout(
        _ input: LogoutInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        try await Logout(accounts: accounts).run(input, caller, context)
    }

    package func refresh(
        _ input: RefreshInput, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<SessionGrant> {
        try await Refresh(accounts: accounts).run(input, context)
    }

    package func changePassword(
        _ input: ChangePasswordInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        try await ChangePassword(accounts: accounts, once: once).run(input, caller, context)
    }

    package func getMe(
        _ input: GetMeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<User> {
        try await GetMe(accounts: accounts).run(input, caller, context)
    }

    package func updateMe(
        _ input: UpdateMeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<User> {
        try await UpdateMe(accounts: accounts, once: once).run(input, caller, context)
    }

    package func deleteMe(
        _ input: DeleteMeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        try await DeleteMe(accounts: accounts, erasure: erasure).run(input, caller, context)
    }

    package func listSessions(
        _ input: ListSessionsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<SessionList> {
        try await ListSessions(accounts: accounts).run(input, caller, context)
    }

    package func endOtherSessions(
        _ input: EndOtherSessionsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        try await EndOtherSessions(accounts: accounts).run(input, caller, context)
    }

    package func endSession(
        _ input: EndSessionInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        try await EndSession(accounts: accounts).run(input, caller, context)
    }

    package func listApiKeys(
        _ input: ListApiKeysInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<ApiKeyList> {
        try await ListApiKeys(accounts: accounts).run(input, caller, context)
    }

    package func createApiKey(
        _ input: CreateApiKeyInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<NewApiKey> {
        try await CreateApiKey(accounts: accounts, once: once).run(input, caller, context)
    }

    package func deleteApiKey(
        _ input: DeleteApiKeyInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        try await DeleteApiKey(accounts: accounts).run(input, caller, context)
    }

    package func listInvites(
        _ input: ListInvitesInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<InviteList> {
        try await ListInvites(accounts: accounts).run(input, caller, context)
    }

    package func createInvite(
        _ input: CreateInviteInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<NewInvite> {
        try await CreateInvite(accounts: accounts, once: once).run(input, caller, context)
    }

    package func deleteInvite(
        _ input: DeleteInviteInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        try await DeleteInvite(accounts: accounts).run(input, caller, context)
    }
}
