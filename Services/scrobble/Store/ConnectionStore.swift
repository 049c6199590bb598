package import Contracts
package import Cryptography
import Postgres
package import Store

/// The connected accounts in Postgres, with their tokens encrypted.
package struct ConnectionStore: Sendable {
    let database: Database
    let sealer: Sealer

    package init(database: Database, sealer: Sealer) {
        self.database = database
        self.sealer = sealer
    }

    // MARK: What a person wants

    package func list(
        of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [StoredConnection] {
        try await database.rows(ConnectionQueries.list, [.id(user)], until: deadline)
    }

    /// The person's facets that other accounts accept nothing more for.
    package func stops(
        of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [FacetStop] {
        try await database.rows(StopQueries.list, [.id(user)], until: deadline)
    }

    /// A change of settings; nil leaves a setting as it is.
    package struct Change: Sendable {
        package var isEnabled: Bool?
        package var isPaused: Bool?
        package var thresholdPercent: Double?
        package var policies: [SyncFacet: FacetPolicy]
        /// The person's time zone.
        package var timeZone: String?

        package init(
            isEnabled: Bool? = nil, isPaused: Bool? = nil, thresholdPercent: Double? = nil,
            policies: [SyncFacet: FacetPolicy] = [:], timeZone: String? = nil
        ) {
            self.timeZone = timeZone
            self.isEnabled = isEnabled
            self.isPaused = isPaused
            self.thresholdPercent = thresholdPercent
            self.policies = policies
        }
    }

    package func change(
        _ lane: LaneKey, _ change: Change, at moment: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        let key: [PGValue] = [.id(lane.user), .word(lane.provider)]
        try await database.transaction(until: deadline) { transaction throws(PGError) in
            try await transaction.execute(
                ConnectionQueries.change,
                key + [
                    .bool(change.isEnabled), .double(change.thresholdPercent), .moment(moment), .text(change.timeZone),
                ])
            if !change.policies.isEmpty {
                let policies = change.policies.sorted { $0.key.rawValue < $1.key.rawValue }
                try await transaction.execute(
                    ConnectionQueries.setPolicies,
                    key + [
                        .textArray(policies.map(\.key.rawValue)), .textArray(policies.map(\.value.direction.rawValue)),
                        .textArray(policies.map(\.value.conflicts.rawValue)),
                        .textArray(policies.map { $0.value.deletes ? "true" : "false" }),
                    ])
                try await transaction.execute(ConnectionQueries.switchFacets, key)
            }
            var goesOn = false
            if let isPaused = change.isPaused,
                try await !transaction.query(ConnectionQueries.pause, key + [.bool(isPaused), .moment(moment)]).isEmpty
            {
                try await transaction.execute(QueueQueries.pause, key + [.bool(isPaused)])
                goesOn = !isPaused
            }
            // After the lane is locked, in the same order as when a lane is settled.
            if goesOn || !change.policies.isEmpty {
                let facets = goesOn ? nil : change.policies.keys.map(\.rawValue)
                try await transaction.execute(StopQueries.free, key + [.textArray(facets)])
            }
        }
    }

    // MARK: Connecting

    /// Connects an account, or stores other tokens for it. Settings stay as they are. The account must be confirmed
    /// before anything is compared with what was agreed on earlier.
    package func connect(
        _ lane: LaneKey, _ tokens: AccountTokens, usesSecret: Bool, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        let access = try seal(tokens.access, "access_token_encrypted", lane)
        let refresh = try sealedRefresh(tokens, lane)
        let key: [PGValue] = [.id(lane.user), .word(lane.provider)]
        try await database.transaction(until: deadline) { transaction throws(PGError) in
            try await transaction.execute(QueueQueries.pause, key + [.bool(false)])
            try await transaction.execute(StopQueries.forget, key)
            try await transaction.execute(
                ConnectionQueries.connect,
                key + [
                    .bytea(access), .bytea(refresh), .moment(tokens.issuedAt), .moment(tokens.expiresAt),
                    .bool(usesSecret), .moment(tokens.issuedAt),
                ])
        }
    }

    /// Records which account was connected at a moment. What was agreed on with another account is forgotten, so that
    /// the next sync is a first contact, and runs under way end, except for the calling one. Returns false if the
    /// connection was made again since, or ended.
    package func confirm(
        _ lane: LaneKey, _ account: RemoteAccount, connectedAt moment: Timestamp, by run: BatchID? = nil,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        let key: [PGValue] = [.id(lane.user), .word(lane.provider)]
        return try await database.transaction(until: deadline) { transaction throws(PGError) in
            let before = try await transaction.first(
                ConnectionQueries.confirm, key + [.moment(moment), .text(account.key), .text(account.name)])
            guard let before else { return false }
            guard let before, before != account.key else { return true }
            try await transaction.execute(ConnectionQueries.endRuns, key + [.id(run)])
            // Jobs of the previous account are settled before its base is deleted, or they would enter the new
            // account's base.
            try await transaction.execute(SyncQueries.settleQueued, [.id(lane.user)])
            try await transaction.execute(SyncQueries.resetBase, key)
            try await transaction.execute(SyncQueries.resetPlaces, key)
            try await Self.forgetLibrary(lane, in: transaction)
            return true
        }
    }

    /// Ends a connection and returns the access token that it had. Nil if there was none.
    package func disconnect(
        _ lane: LaneKey, at moment: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> (wasConnected: Bool, access: Secret?) {
        let key: [PGValue] = [.id(lane.user), .word(lane.provider)]
        return try await database.transaction(until: deadline) { transaction throws(PGError) in
            guard let sealed = try await transaction.first(ConnectionQueries.disconnect, key + [.moment(moment)]) else {
                return (false, nil)
            }
            try await transaction.execute(QueueQueries.clearLane, key)
            // What was not sent is planned again after reconnecting.
            try await transaction.execute(SyncQueries.resetPlaces, key)
            let access = sealed.flatMap { try? sealer.openSecret($0, in: Self.place("access_token_encrypted", lane)) }
            return (true, access)
        }
    }

    /// Deletes what was read of an account that is being replaced.
    private static func forgetLibrary(_ lane: LaneKey, in transaction: PGTransaction) async throws(PGError) {
        guard lane.provider == .simkl else { return }
        for forget in SimklMirrorQueries.forget { try await transaction.execute(forget, [.id(lane.user)]) }
    }

    /// Stops a connection because of a problem that only its person can fix.
    package func stop(
        _ lane: LaneKey, for trouble: ConnectionTrouble, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        let key: [PGValue] = [.id(lane.user), .word(lane.provider)]
        try await database.transaction(until: deadline) { transaction throws(PGError) in
            try await transaction.execute(QueueQueries.pause, key + [.bool(true)])
            try await transaction.execute(ConnectionQueries.stop, key + [.text(trouble.rawValue)])
        }
    }

    // MARK: Tokens

    /// A pair of tokens, decrypted.
    package struct Tokens: Sendable {
        package let access: Secret
        package let refresh: Secret?
        package let issuedAt: Timestamp?
        package let expiresAt: Timestamp?
        package let usesSecret: Bool
        package let state: ConnectionState
        /// The number of consecutive refreshes without an answer.
        package let tries: Int
        package let isHeld: Bool
        package let isEnabled: Bool
        fileprivate let sealedRefresh: [UInt8]?
    }

    /// The tokens of a connection; nil if there are none that can be decrypted.
    package func tokens(
        of lane: LaneKey, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Tokens? {
        let rows = try await database.rows(
            ConnectionQueries.tokens, [.id(lane.user), .word(lane.provider)], until: deadline)
        guard let row = rows.first,
            let access = try? sealer.openSecret(row.access, in: Self.place("access_token_encrypted", lane))
        else { return nil }
        let refresh = row.refresh.flatMap {
            try? sealer.openSecret($0, in: Self.place("refresh_token_encrypted", lane))
        }
        return Tokens(
            access: access, refresh: refresh, issuedAt: row.issuedAt, expiresAt: row.expiresAt,
            usesSecret: row.usesSecret, state: row.state, tries: row.tries, isHeld: row.isHeld,
            isEnabled: row.isEnabled, sealedRefresh: row.refresh)
    }

    /// Takes the lease of a refresh and returns its fence; nil while somebody else holds it, or if the tokens have
    /// changed.
    package func beginRefresh(
        _ lane: LaneKey, of tokens: Tokens, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Int64? {
        guard let sealed = tokens.sealedRefresh else { return nil }
        return try await database.rows(
            ConnectionQueries.beginRefresh,
            [.id(lane.user), .word(lane.provider), .bytea(sealed), .double(TraktLimits.refreshLease.inSeconds)],
            until: deadline
        ).first
    }

    /// Stores the new pair; false if the lease was lost.
    package func endRefresh(
        _ lane: LaneKey, fence: Int64, with tokens: AccountTokens, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        let access = try seal(tokens.access, "access_token_encrypted", lane)
        let refresh = try sealedRefresh(tokens, lane)
        return try await !database.rows(
            ConnectionQueries.endRefresh,
            [
                .id(lane.user), .word(lane.provider), .int8(fence), .bytea(access), .bytea(refresh),
                .moment(tokens.issuedAt), .moment(tokens.expiresAt),
            ], until: deadline
        ).isEmpty
    }

    /// Ends a refresh that brought no tokens; `state` is the resulting state. False if the lease was lost.
    package func failRefresh(
        _ lane: LaneKey, fence: Int64, retryAfter wait: Duration, state: ConnectionState?,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await !database.rows(
            ConnectionQueries.failRefresh,
            [
                .id(lane.user), .word(lane.provider), .int8(fence), .double(wait.inSeconds), .text(state?.rawValue),
            ], until: deadline
        ).isEmpty
    }

    // MARK: Flows

    /// Begins a code flow. Only the digest of its state is stored.
    package func openCodeFlow(
        _ lane: LaneKey, id: FlowID, _ authorization: CodeAuthorization, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await openFlow(
            lane, id, kind: "code", digest: SHA256.hash(authorization.state.revealed).bytes,
            secret: authorization.verifier, interval: nil, life: TraktLimits.flowLife, until: deadline)
    }

    package func openDeviceFlow(
        _ lane: LaneKey, id: FlowID, code: Secret, interval: Duration, life: Duration,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await openFlow(
            lane, id, kind: "device", digest: nil, secret: code, interval: interval, life: life, until: deadline)
    }

    private func openFlow(
        _ lane: LaneKey, _ id: FlowID, kind: String, digest: [UInt8]?, secret: Secret, interval: Duration?,
        life: Duration, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        let sealed = try seal(secret, in: Self.place(of: id, lane))
        try await database.transaction(until: deadline) { transaction throws(PGError) in
            try await transaction.execute(
                ConnectionQueries.clearFlows, [.id(lane.user), .word(lane.provider), .text(kind)])
            try await transaction.execute(
                ConnectionQueries.openFlow,
                [
                    .id(lane.user), .id(id), .word(lane.provider), .text(kind), .bytea(digest), .bytea(sealed),
                    .double(interval?.inSeconds), .double(life.inSeconds),
                ])
        }
    }

    /// Takes the flow of a state, which must be this person's. The verifier is nil if no such flow is still valid.
    package func takeFlow(
        _ lane: LaneKey, state: Secret, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> (isKnown: Bool, verifier: Secret?) {
        let digest = SHA256.hash(state.revealed).bytes
        let flow = try await database.rows(
            ConnectionQueries.takeFlow, [.id(lane.user), .word(lane.provider), .bytea(digest)], until: deadline
        ).first
        guard let flow else { return (false, nil) }
        let id = FlowID(UUIDBits(high: flow.id.high, low: flow.id.low))
        return (true, flow.isAlive ? try? sealer.openSecret(flow.secret, in: Self.place(of: id, lane)) : nil)
    }

    /// What a poll of a device flow may do now.
    package enum DevicePoll: Sendable {
        case unknown
        case expired
        /// How long to wait until the next poll.
        case wait(Duration)
        case ask(deviceCode: Secret, interval: Duration)
    }

    package func pollFlow(
        _ lane: LaneKey, _ flow: FlowID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> DevicePoll {
        let turn = try await database.rows(
            ConnectionQueries.pollFlow, [.id(lane.user), .word(lane.provider), .id(flow)], until: deadline
        ).first
        guard let turn, let code = try? sealer.openSecret(turn.secret, in: Self.place(of: flow, lane)) else {
            return .unknown
        }
        if !turn.isAlive { return .expired }
        let wait = Duration.seconds(turn.waitSeconds)
        return turn.isDue ? .ask(deviceCode: code, interval: wait) : .wait(wait)
    }

    /// Lengthens the time between two polls, to at least `interval`.
    package func slowFlow(
        _ flow: FlowID, of user: UserID, to interval: Duration?, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await database.run(
            ConnectionQueries.slowFlow, [.id(user), .id(flow), .int(Int(interval?.inSeconds.rounded(.up) ?? 0))],
            until: deadline)
    }

    /// Ends a flow; false if it has already ended.
    @discardableResult
    package func endFlow(
        _ flow: FlowID, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await !database.rows(ConnectionQueries.endFlow, [.id(user), .id(flow)], until: deadline).isEmpty
    }

    // MARK: Sealing

    private func sealedRefresh(_ tokens: AccountTokens, _ lane: LaneKey) throws(StoreError) -> [UInt8]? {
        guard let refresh = tokens.refresh else { return nil }
        return try seal(refresh, "refresh_token_encrypted", lane)
    }

    private func seal(_ token: Secret, _ column: String, _ lane: LaneKey) throws(StoreError) -> [UInt8] {
        try seal(token, in: Self.place(column, lane))
    }

    private func seal(_ secret: Secret, in place: SealContext) throws(StoreError) -> [UInt8] {
        do {
            return try sealer.seal(secret, in: place)
        } catch {
            throw .fault("a token cannot be sealed: \(error)")
        }
    }

    /// The encryption context of a token: it decrypts only in its own row and column.
    static func place(_ column: String, _ lane: LaneKey) -> SealContext {
        SealContext(
            service: "scrobble", table: "scrobble_connections", column: column,
            rowID: "\(lane.user) \(lane.provider.rawValue)", userID: "\(lane.user)", provider: lane.provider.rawValue)
    }

    static func place(of flow: FlowID, _ lane: LaneKey) -> SealContext {
        SealContext(
            service: "scrobble", table: "oauth_flows", column: "secret_encrypted", rowID: "\(flow)",
            userID: "\(lane.user)", provider: lane.provider.rawValue)
    }
}
