import Contracts
import Cryptography
import Postgres
package import Store

/// The hooks of media servers in Postgres.
package struct HookStore: Sendable {
    let database: Database
    let ids: any IDSource

    package init(database: Database, ids: any IDSource) {
        self.database = database
        self.ids = ids
    }

    // MARK: Hooks

    /// Creates a hook, or returns the one created with this same secret; nil if the person has too many.
    func create(
        _ name: String, of user: UserID, secret: SHA256Digest, timeZone: String, removesPlays: Bool, at now: Timestamp,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Hook? {
        let made = try await database.rows(
            HookQueries.create,
            [
                .id(user), .id(HookID(ids.next())), .text(name), .text(timeZone), .bytea(secret.bytes),
                .bool(removesPlays), .moment(now), .int(HookLimits.hooksMax),
            ], until: deadline)
        if let made = made.first { return made }
        return try await database.rows(HookQueries.bySecret, [.id(user), .bytea(secret.bytes)], until: deadline).first
    }

    func list(of user: UserID, until deadline: ContinuousClock.Instant) async throws(StoreError) -> [Hook] {
        try await database.rows(HookQueries.list, [.id(user)], until: deadline)
    }

    func get(
        _ hook: HookID, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Hook? {
        try await database.rows(HookQueries.get, [.id(user), .id(hook)], until: deadline).first
    }

    /// The outcome of changing a hook.
    enum Updated: Sendable, Hashable {
        case updated(Hook)
        /// The hook is not as expected.
        case unexpected
        case noSuchHook
    }

    /// Changes the settings that are named, if the hook is as expected where an expectation is named.
    func update(
        _ params: UpdateHookParams, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Updated {
        let values: [PGValue] = [
            .id(params.user), .id(params.hook), .text(params.name), .bool(params.removesPlays),
            .bool(params.forgetServer ?? false),
        ]
        guard let expected = params.expected else {
            return try await database.rows(HookQueries.update, values, until: deadline).first.map(Updated.updated)
                ?? .noSuchHook
        }
        return try await database.transaction(until: deadline) { transaction throws(PGError) -> Updated in
            let key: [PGValue] = [.id(params.user), .id(params.hook)]
            guard let found = try await transaction.first(HookQueries.hold, key) else { return .noSuchHook }
            guard found == expected else { return .unexpected }
            return try await transaction.first(HookQueries.update, values).map(Updated.updated) ?? .noSuchHook
        }
    }

    /// Replaces a hook's secret; the previous one stays valid until `overlapEnds`. Nil if there is no such hook.
    func rotate(
        _ hook: HookID, of user: UserID, to secret: SHA256Digest, overlapEnds: Timestamp,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Hook? {
        try await database.rows(
            HookQueries.rotate, [.id(user), .id(hook), .bytea(secret.bytes), .moment(overlapEnds)], until: deadline
        ).first
    }

    func delete(
        _ hook: HookID, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await !database.rows(HookQueries.delete, [.id(user), .id(hook)], until: deadline).isEmpty
    }

    /// The hook that a secret opens, or nil.
    func opened(
        by secret: SHA256Digest, at now: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> HookPlace? {
        try await database.rows(HookQueries.opened, [.bytea(secret.bytes), .moment(now)], until: deadline).first
    }

    // MARK: Deliveries

    /// The outcome of receiving a delivery.
    enum Receipt: Sendable, Hashable {
        case accepted(HookDeliveryID)
        /// The same was delivered before.
        case repeated
        /// Waits until the account is assigned to a person.
        case quarantined(HookDeliveryID)
        case ignored(String)
        case otherServer
        case tooManyAccounts
    }

    /// Stores what a server sent, once however often it arrives, and only from the hook's own server. Nil if the hook
    /// has just been deleted. The first fingerprint is the delivery's own; the others are those under which the same
    /// may have arrived before.
    func receive(
        _ payload: String, _ reading: HookReading, at place: HookPlace, fingerprints: [SHA256Digest], now: Timestamp,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Receipt? {
        try await database.transaction(until: deadline) { transaction throws(PGError) in
            let key: [PGValue] = [.id(place.owner), .id(place.hook)]
            // Locks the hook's row from here on, so that its deliveries are received one after the other.
            let isOwn = try await transaction.first(
                HookQueries.meet,
                key + [
                    .text(reading.sender.rawValue), .text(reading.server?.id), .text(reading.server?.name),
                    .moment(now),
                ])
            guard let isOwn else { return nil }
            guard isOwn else {
                try await keep(nil, reading, .refused, "a different server than before", place, now, transaction)
                return .otherServer
            }
            var isNew = true
            for (place, fingerprint) in fingerprints.enumerated().reversed() where isNew {
                let text = key + [.bytea(fingerprint.bytes)]
                isNew =
                    place == 0
                    ? try await transaction.first(HookQueries.remember, text + [.moment(now)]) == true
                    : try await transaction.first(HookQueries.remembers, text) == nil
            }
            if !isNew { isNew = try await isMeantAgain(reading, key, transaction) }
            guard isNew else {
                try await transaction.execute(HookQueries.count, key + [.int(0), .int(1), .int(0)])
                return .repeated
            }
            return try await sort(payload, reading, place, now, transaction)
        }
    }

    /// Whether another message about the same title arrived between this one and its earlier copy.
    private func isMeantAgain(
        _ reading: HookReading, _ key: [PGValue], _ transaction: PGTransaction
    ) async throws(PGError) -> Bool {
        guard case .event(let event) = reading.content, event.at == nil else { return false }
        let last = try await transaction.first(
            HookQueries.lastWord, key + [.text(reading.account?.key), .text(reading.summary)])
        return last.flatMap { HookReading(Array($0.utf8)) }.map { reading.isMeantAgain(after: $0) } ?? false
    }

    private func sort(
        _ payload: String, _ reading: HookReading, _ place: HookPlace, _ now: Timestamp, _ transaction: PGTransaction
    ) async throws(PGError) -> Receipt {
        let key: [PGValue] = [.id(place.owner), .id(place.hook)]
        guard case .event(let event) = reading.content else {
            let reason = if case .ignored(let reason) = reading.content { reason } else { "" }
            try await keep(payload, reading, .ignored, reason, place, now, transaction)
            return .ignored(reason)
        }
        var standing: (isAssigned: Bool, isIgnored: Bool) = (true, false)
        if let account = reading.account {
            let noted = try await transaction.first(
                HookQueries.noteAccount,
                key + [.text(account.key), .text(account.name), .moment(now), .int(HookLimits.accountsMax)])
            guard let noted else {
                try await keep(nil, reading, .refused, "too many accounts", place, now, transaction)
                return .tooManyAccounts
            }
            standing = noted
        }
        if standing.isIgnored {
            try await keep(payload, reading, .ignored, "this account is ignored", place, now, transaction)
            return .ignored("this account is ignored")
        }
        if standing.isAssigned {
            return .accepted(try await keep(payload, reading, .pending, nil, place, now, transaction))
        }
        // A past player position is of no use later.
        if event.kind == .progress { return .ignored("the account is not assigned to anybody yet") }
        return .quarantined(
            try await keep(
                payload, reading, .quarantined, "the account is not assigned to anybody yet", place, now, transaction))
    }

    /// Records that a delivery could not be accepted.
    func refuse(
        _ reason: String, at place: HookPlace, now: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        _ = try await database.transaction(until: deadline) { transaction throws(PGError) in
            try await keep(nil, nil, .refused, reason, place, now, transaction)
        }
    }

    @discardableResult
    private func keep(
        _ payload: String?, _ reading: HookReading?, _ state: HookDeliveryState, _ reason: String?,
        _ place: HookPlace, _ now: Timestamp, _ transaction: PGTransaction
    ) async throws(PGError) -> HookDeliveryID {
        let id = HookDeliveryID(ids.next())
        let isRefused = state == .refused
        try await transaction.execute(
            HookQueries.keep,
            [
                .id(place.owner), .id(id), .id(place.hook), .text(reading?.account?.key),
                .text(reading?.sender.rawValue), .text(reading?.event), .text(reading?.summary), .text(payload),
                .text(state.rawValue), .text(reason), .moment(now),
            ])
        try await transaction.execute(
            HookQueries.count,
            [.id(place.owner), .id(place.hook), .int(isRefused ? 0 : 1), .int(0), .int(isRefused ? 1 : 0)])
        try await transaction.execute(
            HookQueries.trim,
            [
                .id(place.owner), .id(place.hook), .int(HookLimits.deliveriesMax), .int(HookLimits.quarantinedMax),
            ])
        return id
    }

    /// A hook's deliveries before `last`, newest first.
    func deliveries(
        of hook: HookID, _ user: UserID, before last: HookDeliveryID, limit: Int,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [HookDelivery] {
        try await database.rows(
            HookQueries.deliveries, [.id(user), .id(hook), .id(last), .int(limit)], until: deadline)
    }

    /// Queues a delivery to be processed again. False if there is nothing to repeat; nil if there is no such delivery.
    func rerun(
        _ delivery: HookDeliveryID, of hook: HookID, _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool? {
        let key: [PGValue] = [.id(user), .id(hook), .id(delivery)]
        if try await database.rows(HookQueries.rerun, key, until: deadline).first != nil { return true }
        return try await database.rows(HookQueries.hasDelivery, key, until: deadline).first.map { _ in false }
    }

    // MARK: Accounts

    func accounts(
        of hook: HookID, _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [HookAccount] {
        try await database.rows(HookQueries.accounts, [.id(user), .id(hook)], until: deadline)
    }

    /// Assigns an account and queues its waiting deliveries; nil if the hook does not know the account.
    func assign(
        _ params: AssignHookAccountParams, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> HookAccount? {
        let isIgnored = params.isIgnored ?? false
        let person = isIgnored ? nil : params.person
        let key: [PGValue] = [.id(params.user), .id(params.hook), .text(params.account)]
        return try await database.transaction(until: deadline) { transaction throws(PGError) in
            let account = try await transaction.first(
                HookQueries.assign,
                key + [.id(person), .text(person == nil ? nil : params.timeZone ?? "UTC"), .bool(isIgnored)])
            guard let account else { return nil }
            if isIgnored {
                try await transaction.execute(
                    HookQueries.release, key + [.text("ignored"), .text("this account is ignored")])
            } else if person != nil {
                try await transaction.execute(HookQueries.release, key + [.text("pending"), .text(nil)])
            }
            return account
        }
    }

    /// Sets a person's time zone wherever hooks and sittings record it. Returns whether any of them had another zone.
    func setTimeZone(
        _ timeZone: String, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await database.rows(HookQueries.setTimeZone, [.id(user), .text(timeZone)], until: deadline).first == true
    }

    package func sweep(until deadline: ContinuousClock.Instant) async throws(StoreError) {
        try await database.run(
            HookQueries.sweep, [.double(HookLimits.fingerprintsFor.inSeconds), .int(HookLimits.sweepMax)],
            until: deadline)
    }
}
