import Contracts
import JSON
import RPC
import Testing

/// The routes of the public API, from request to response, without an HTTP server.
@Suite struct EdgeRouteTests {
    private static let title = "01920000-0000-7000-8000-000000000603"
    private static let user = UserID(UUIDBits(high: 1, low: 2))
    private let routes: [String: EdgeRoute]
    private let caller = EdgeCaller(user: user, scopes: ["read", "rate"], credential: UUIDBits(high: 3, low: 4))
    private let context = EdgeContext(
        rpc: RPCContext(deadline: .now.advanced(by: .seconds(5)), trace: .root()), clientAddress: "192.0.2.1")

    init() {
        routes = Dictionary(uniqueKeysWithValues: GatewayRoutes.all(EchoGateway()).map { ($0.operation, $0) })
    }

    private func ask(_ operation: String, _ request: EdgeRequest, _ caller: EdgeCaller?) async throws -> (
        Int, JSONValue, EdgeResponse
    ) {
        let response = await (try #require(routes[operation])).respond(request, caller, context)
        let body = response.body.isEmpty ? JSONValue.null : try decodeJSON(JSONValue.self, from: response.body)
        return (response.status, body, response)
    }

    private func rate(_ body: String, key: String? = nil, type: String? = "application/json") -> EdgeRequest {
        var headers: [(name: String, value: String)] = []
        if let type { headers.append(("content-type", type)) }
        if let key { headers.append(("idempotency-key", key)) }
        return EdgeRequest(pathParameters: ["title": Self.title], headers: headers, body: Array(body.utf8))
    }

    @Test func aRatingGoesThrough() async throws {
        let (status, body, response) = try await ask("rateMovie", rate(#"{"rating":8.5}"#, key: "k1"), caller)
        #expect(status == 200)
        #expect(body["title"].string == Self.title && body["rating"].double == 8.5 && body["review"].string == "k1")
        #expect(response.headers.first?.value == "application/json")
    }

    @Test(arguments: [
        (#"{"rating":10.4}"#, 400, "rating: 10.4 is above 10"),
        ("", 400, "The request has no body."),
        (#"{"rating":8,"user":"x"}"#, 400, "user: is not a known member"), ("[]", 400, "is not an object"),
        ("{", 400, "is not JSON: the text ends too early"),
    ])
    func faultsOfABody(_ text: String, _ expected: Int, _ detail: String) async throws {
        let (status, body, response) = try await ask("rateMovie", rate(text), caller)
        #expect(status == expected)
        #expect(body["detail"].string == detail)
        #expect(body["code"].string == "invalidRequest" && body["status"].int == 400)
        #expect(body["trace_id"].string == context.rpc.trace.traceID)
        #expect(response.headers.first?.value == "application/problem+json")
    }

    @Test func contentTypes() async throws {
        for type in ["application/json", "Application/JSON; charset=utf-8", "application/json ;charset=UTF-8"] {
            #expect(try await ask("rateMovie", rate(#"{"rating":8}"#, type: type), caller).0 == 200)
        }
        for type in [nil, "text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
            let (status, body, _) = try await ask("rateMovie", rate(#"{"rating":8}"#, type: type), caller)
            #expect(status == 415 && body["code"].string == "unsupportedMediaType")
        }
    }

    @Test func access() async throws {
        let (status, _, response) = try await ask("rateMovie", rate(#"{"rating":8}"#), nil)
        #expect(status == 401)
        #expect(response.headers.contains { $0 == ("www-authenticate", "Bearer") })
        let reader = EdgeCaller(user: Self.user, scopes: ["read"], credential: UUIDBits(high: 3, low: 4))
        #expect(try await ask("rateMovie", rate(#"{"rating":8}"#), reader).0 == 403)
        #expect(try await ask("logout", EdgeRequest(), reader).0 == 403)
        let session = EdgeCaller(user: Self.user, credential: UUIDBits(high: 3, low: 4))
        let (ended, _, empty) = try await ask("logout", EdgeRequest(), session)
        #expect(ended == 204 && empty.body.isEmpty && empty.headers.isEmpty)
        #expect(routes["login"]?.access == .open)
        #expect(routes["getMovie"]?.access == .bearer(scope: "read"))
    }

    /// With a password given by an administrator, only operations that are open or say so can be called.
    @Test func givenPasswords() async throws {
        let newcomer = EdgeCaller(
            user: Self.user, isAdministrator: true, credential: UUIDBits(high: 3, low: 4), hasGivenPassword: true)
        var open: Set<String> = []
        for (operation, route) in routes where route.access != .open {
            let response = await route.respond(EdgeRequest(), newcomer, context)
            if response.code != RegistryError.passwordChangeRequired.rawValue {
                open.insert(operation)
            } else {
                #expect(response.status == 403)
            }
        }
        #expect(open == ["changePassword", "getMe", "logout"])
        let (status, body, _) = try await ask("getHome", EdgeRequest(), newcomer)
        #expect(status == 403 && body["code"].string == "passwordChangeRequired")
        // Reading the state for a write's conditions is refused too.
        let inspected = await (try #require(routes["getMovie"])).inspect(EdgeRequest(), newcomer, context)
        #expect(inspected.code == RegistryError.passwordChangeRequired.rawValue)
    }

    /// Without a required second factor, only operations that are open or serve to set one up can be called.
    @Test func missingFactors() async throws {
        for scopes in [nil, ["read", "admin"]] as [Set<String>?] {
            let lacking = EdgeCaller(
                user: Self.user, isAdministrator: true, scopes: scopes, credential: UUIDBits(high: 3, low: 4),
                lacksSecondFactor: true)
            var open: Set<String> = []
            for (operation, route) in routes where route.access != .open {
                let response = await route.respond(EdgeRequest(), lacking, context)
                if response.code == RegistryError.forbidden.rawValue, scopes != nil { continue }
                if response.code != RegistryError.secondFactorMissing.rawValue {
                    open.insert(operation)
                } else {
                    #expect(response.status == 403)
                }
            }
            let all: Set = ["beginSecondFactor", "changePassword", "confirmSecondFactor", "getMe", "logout"]
            #expect(open == (scopes == nil ? all : ["getMe"]))
            // Reading the state for a write's conditions is refused too.
            let inspected = await (try #require(routes["getMovie"])).inspect(EdgeRequest(), lacking, context)
            #expect(inspected.code == RegistryError.secondFactorMissing.rawValue)
        }
    }

    @Test(
        arguments: [
            ("limit=1", 200, nil), ("limit=100", 200, nil), ("limit=0", 400, "limit: 0 is below 1"),
            ("limit=101", 400, "limit: 101 is above 100"),
            ("limit=x", 400, "limit: is not JSON: unexpected byte 120 at offset 0"),
            ("limit=", 400, "limit: is not a number or boolean"),
            ("limit= 1", 400, "limit: is not a number or boolean"), ("limit=1&limit=2", 400, "limit: is given twice"),
            ("cursor=a_b-C9", 200, nil),
            ("cursor=a b", 400, "cursor: does not match ^[A-Za-z0-9_-]+$"),
            ("cursor=\"", 400, "cursor: does not match ^[A-Za-z0-9_-]+$"), ("utm=1", 200, nil),
        ] as [(String, Int, String?)])
    func parameters(_ query: String, _ expected: Int, _ detail: String?) async throws {
        let pairs = query.split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            return (name: parts[0], value: parts[1])
        }
        let (status, body, _) = try await ask("listHistory", EdgeRequest(query: pairs), caller)
        #expect(status == expected)
        #expect(body["detail"].string == detail)
    }

    /// Here, valid passwords are refused by the gateway itself, which admits no one.
    @Test(arguments: [(7, 400), (8, 403), (64, 403), (256, 403), (257, 400)])
    func lengthsOfPasswords(_ count: Int, _ expected: Int) async throws {
        let text = #"{"username":"alice","password":"\#(String(repeating: "ä", count: count))"}"#
        let request = EdgeRequest(headers: [("content-type", "application/json")], body: Array(text.utf8))
        let (status, body, _) = try await ask("register", request, nil)
        #expect(status == expected)
        #expect(body["code"].string == (expected == 403 ? "registrationClosed" : "invalidRequest"))
    }

    @Test func idsInPaths() async throws {
        let (status, body, _) = try await ask("getMovieRating", EdgeRequest(pathParameters: ["title": "7"]), caller)
        #expect(status == 400 && body["detail"].string == "title: is not a UUID")
    }

    /// An operation with `x-rpc` has no handler of its own: its params are passed by name, and the user comes from the
    /// caller.
    @Test func forwarding() async throws {
        let (status, body, _) = try await ask(
            "listRatingTimeline", EdgeRequest(query: [(name: "title", value: Self.title)]), caller)
        #expect(status == 404)
        #expect(body["code"].string == "ratingNotFound")
        #expect(body["detail"].string == "\(Self.user) \(Self.title)")
    }

    /// Days are in the caller's time zone, unless the request names another.
    @Test func timeZones() async throws {
        let resident = EdgeCaller(
            user: Self.user, timeZone: "America/Los_Angeles", credential: UUIDBits(high: 3, low: 4))
        for (zone, sent) in [("America/Los_Angeles", ""), ("Europe/Vienna", #","time_zone":"Europe/Vienna""#)] {
            let body = #"{"title":"\#(Self.title)","watched_at":"2026-11-02T04:00:00Z"\#(sent)}"#
            let request = EdgeRequest(headers: [("content-type", "application/json")], body: Array(body.utf8))
            let (_, answer, _) = try await ask("addPlay", request, resident)
            #expect(answer["detail"].string == "\(Self.user) \(Self.title) \(zone)")
        }
    }

    @Test func failuresOfServices() async throws {
        let (status, body, response) = try await ask("getMe", EdgeRequest(), caller)
        #expect(status == 429 && body["code"].string == "tooManyAttempts")
        #expect(response.headers.contains { $0 == ("retry-after", "7") })
        let (broken, problem, _) = try await ask("getMovie", EdgeRequest(pathParameters: ["title": Self.title]), caller)
        #expect(broken == 500 && problem["code"].string == "internal" && problem["detail"].isNull)
    }

    @Test func theDocument() async throws {
        let (status, body, _) = try await ask("getOpenApi", EdgeRequest(), nil)
        #expect(status == 200 && body["openapi"].string == "3.1.0")
        #expect(!String(decoding: PublicDocument.openAPI, as: UTF8.self).contains(".yaml#"))
        for document in [MetadataDocument.openRPC, RatingsDocument.openRPC, ScrobbleDocument.openRPC] {
            let value = try decodeJSON(JSONValue.self, from: document)
            #expect(value["openrpc"].string == "1.3.2" && !value["methods"].array.isEmpty)
            #expect(!String(decoding: document, as: UTF8.self).contains(".yaml#"))
        }
    }
}

/// Answers every call to a service with what it was asked.
struct EchoCaller: RPCCaller {
    func call<Params: JSONEncodable, Result: JSONDecodable>(
        _ method: RPCMethod, _ params: Params, _ call: RPCCall
    ) async throws(RPCError) -> Result {
        let value = try? JSONBytes(encoding: params).decode(JSONValue.self)
        let zone = value?["time_zone"].string.map { " \($0)" } ?? ""
        throw .ratingNotFound("\(value?["user"].string ?? "?") \(value?["title"].string ?? "?")\(zone)")
    }
}

struct EchoGateway: GatewayAPI {
    let clients = GatewayClients(
        metadata: MetadataClient(EchoCaller()), ratings: RatingsClient(EchoCaller()),
        scrobble: ScrobbleClient(EchoCaller()))

    func register(_ input: RegisterInput, _ context: EdgeContext) async throws(RPCError) -> EdgeReply<SessionGrant> {
        throw .registrationClosed()
    }

    func login(_ input: LoginInput, _ context: EdgeContext) async throws(RPCError) -> EdgeReply<SessionGrant> {
        throw .invalidCredentials()
    }

    func logout(
        _ input: LogoutInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> { .nothing() }

    func getMe(_ input: GetMeInput, _ caller: EdgeCaller, _ context: EdgeContext) async throws(RPCError) -> EdgeReply<
        User
    > {
        throw .tooManyAttempts(data: JSONBytes(encoding: ["retry_after_seconds": 7] as JSONValue))
    }

    func resolveMovie(
        _ input: ResolveMovieInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Movie> { throw .titleNotFound() }

    func getMovie(
        _ input: GetMovieInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeWritten<Movie>> { throw .internal("a row was not as it should be") }

    func rateMovie(
        _ input: RateMovieInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Rating> {
        let moment = Timestamp(clampingMicrosecondsSinceEpoch: 0)
        return EdgeReply(
            Rating(
                title: input.title, kind: .movie, rating: input.body.rating ?? DecimalTenths(tenths: 1),
                review: input.idempotencyKey,
                spoiler: false, ratedAt: moment, updatedAt: moment))
    }

    func unrateMovie(
        _ input: UnrateMovieInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> { .nothing() }

    func listHistory(
        _ input: ListHistoryInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedPage> { EdgeReply(WatchedPage(items: [])) }
}

extension EchoGateway {
    func refresh(
        _ input: RefreshInput, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<SessionGrant> {
        throw .forbidden()
    }

    func changePassword(
        _ input: ChangePasswordInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        throw .forbidden()
    }

    func beginSecondFactor(
        _ input: BeginSecondFactorInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<SecondFactorSecret> {
        throw .forbidden()
    }

    func confirmSecondFactor(
        _ input: ConfirmSecondFactorInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<RecoveryCodes> {
        throw .forbidden()
    }

    func removeSecondFactor(
        _ input: RemoveSecondFactorInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        throw .forbidden()
    }

    func updateMe(
        _ input: UpdateMeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<User> {
        throw .forbidden()
    }

    func deleteMe(
        _ input: DeleteMeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        throw .forbidden()
    }

    func listSessions(
        _ input: ListSessionsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<SessionList> {
        throw .forbidden()
    }

    func endOtherSessions(
        _ input: EndOtherSessionsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        throw .forbidden()
    }

    func endSession(
        _ input: EndSessionInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        throw .forbidden()
    }

    func listApiKeys(
        _ input: ListApiKeysInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<ApiKeyList> {
        throw .forbidden()
    }

    func createApiKey(
        _ input: CreateApiKeyInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<NewApiKey> {
        throw .forbidden()
    }

    func deleteApiKey(
        _ input: DeleteApiKeyInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        throw .forbidden()
    }

    func listInvites(
        _ input: ListInvitesInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<InviteList> {
        throw .forbidden()
    }

    func createInvite(
        _ input: CreateInviteInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<NewInvite> {
        throw .forbidden()
    }

    func deleteInvite(
        _ input: DeleteInviteInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        throw .forbidden()
    }
}
