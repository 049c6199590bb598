import Contracts
import RPC
import Synchronization
import Testing

@testable import Edge

/// Whose limit a request counts against before its token has been looked up.
@Suite(.serialized) struct AdmissionTests: EdgeServing {
    /// Counts token look-ups. `known…` tokens have been valid before, `new…` tokens are valid now; all others are made
    /// up.
    private final class Book: Sendable {
        private let looks = Mutex(0)

        var lookUps: Int { looks.withLock { $0 } }

        func credentials(_ token: String) -> EdgeCredentials {
            let caller = token.hasPrefix("known") || token.hasPrefix("new") ? TestTokens.caller(of: "good") : nil
            if token == "cached" { return TestTokens.caller(of: "good").map(EdgeCredentials.caller) ?? .nobody }
            return .unread(wasGood: token.hasPrefix("known")) { (_) async throws(RPCError) in
                self.looks.withLock { $0 += 1 }
                return caller
            }
        }
    }

    /// Grants what is allowed, once.
    private static func limiter(address: Int) -> RateLimiter {
        let bank = Mutex<[RateSubject: Int]>([:])
        return RateLimiter(policy: RatePolicy(person: 1_000, key: 0, address: address), patience: .seconds(10)) {
            (subject, ask, _) async throws(RPCError) in
            bank.withLock { bank in
                let given = bank[subject, default: 0] - ask.unused
                let granted = min(ask.wanted, ask.allowed - given)
                bank[subject] = given + granted
                return RateShare(
                    granted: granted, remaining: ask.allowed - given - granted, waitSeconds: granted == 0 ? 9 : 0,
                    slot: 1)
            }
        }
    }

    private static func status(_ port: Int, _ token: String?) async throws -> String {
        let field = token.map { ["authorization: Bearer \($0)"] } ?? []
        return String(try await exchange(port, get("/api/v1/notes/1", field)).dropFirst(9).prefix(3))
    }

    /// Each made-up token used to cost a query, even from an address that was refused everything.
    @Test("An address beyond its limit has no token looked up that was nobody's yet")
    func flood() async throws {
        let book = Book()
        try await withServer(limiter: Self.limiter(address: 5), authenticate: { book.credentials($0) }) { port in
            var statuses: [String: Int] = [:]
            for number in 0..<40 {
                let status = try await Self.status(port, "made-up-\(number)")
                statuses[status, default: 0] += 1
            }
            #expect(statuses == ["401": 5, "429": 35])
            #expect(book.lookUps == 5)
            #expect(try await Self.status(port, "new") == "429", "whose it is would have to be asked")
            #expect(try await Self.status(port, nil) == "429")
            #expect(book.lookUps == 5)
            // Callers known from before are not held to what others at the same address do.
            #expect(try await Self.status(port, "cached") == "404")
            #expect(try await Self.status(port, "known") == "404")
            #expect(book.lookUps == 6)
        }
    }

    @Test("All at once they are no more")
    func together() async throws {
        let book = Book()
        try await withServer(limiter: Self.limiter(address: 5), authenticate: { book.credentials($0) }) { port in
            let clients = try (0..<40).map { _ in try RawClient(port: port) }
            for (number, client) in clients.enumerated() {
                client.write(Self.get("/api/v1/notes/1", ["authorization: Bearer made-up-\(number)"]))
            }
            for client in clients { _ = try await client.readToEnd() }
            #expect(book.lookUps == 5)
        }
    }

    @Test("Tokens that turn out to be somebody's count for their person, not for the address")
    func good() async throws {
        let book = Book()
        try await withServer(limiter: Self.limiter(address: 5), authenticate: { book.credentials($0) }) { port in
            for number in 0..<20 {
                let status = try await Self.status(port, "new-\(number)")
                #expect(status == "404")
            }
            #expect(book.lookUps == 20)
            for _ in 0..<5 {
                let status = try await Self.status(port, "made-up")
                #expect(status == "401")
            }
            #expect(try await Self.status(port, "made-up") == "429")
        }
    }

    @Test("What is given back counts for the slot that it was taken from, and for no later one")
    func givingBack() {
        let start = ContinuousClock.now
        var account = RateAccount(at: start)
        func take(_ granted: Int, slot: Int64, at now: ContinuousClock.Instant) {
            _ = account.next(at: now, allowed: 1_000)
            account.take(
                RateShare(granted: granted, remaining: 0, waitSeconds: 0, slot: slot), askedAt: now, now: now)
        }
        take(1, slot: 1, at: start)
        #expect(account.next(at: start, allowed: 1_000) == .admit(remaining: 0, slot: 1))
        // Another share has been requested meanwhile.
        let next = start.advanced(by: .seconds(1))
        take(1, slot: 1, at: next)
        account.giveBack(slot: 1, now: next)
        for left in [1, 0] { #expect(account.next(at: next, allowed: 1_000) == .admit(remaining: left, slot: 1)) }
        let later = start.advanced(by: .seconds(2))
        take(1, slot: 2, at: later)
        account.giveBack(slot: 1, now: later)
        #expect(account.next(at: later, allowed: 1_000) == .admit(remaining: 0, slot: 2))
        // Nor is what is given back lost when a request is waiting for a share at that moment.
        _ = account.next(at: later, allowed: 1_000)
        account.giveBack(slot: 2, now: later)
        account.take(
            RateShare(granted: 1, remaining: 0, waitSeconds: 0, slot: 2), askedAt: later, now: later)
        for left in [1, 0] { #expect(account.next(at: later, allowed: 1_000) == .admit(remaining: left, slot: 2)) }
        account.giveBack(slot: 2, now: later.advanced(by: .seconds(5)))
        guard case .ask(let ask) = account.next(at: later.advanced(by: .seconds(5)), allowed: 1_000) else {
            return #expect(Bool(false), "a share is over, and counts")
        }
        #expect(ask.unused == 0)
    }
}
