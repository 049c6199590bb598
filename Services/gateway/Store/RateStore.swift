import Contracts
import Cryptography
import Edge
import Postgres
import Store

extension GatewayStore {
    /// Leases a share of a rate limit, and gives back what is unused of the last one.
    func lease(
        _ ask: RateAsk, for subject: RateSubject, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> RateShare {
        func number(_ value: Int) -> PGValue { .int4(Int32(clamping: value)) }
        let shares = try await database.rows(
            GatewayQueries.leaseRequests,
            [
                .bytea(subject.digest), number(ask.wanted), number(ask.allowed), number(ask.unused),
                .int8(ask.unusedSlot), number(RatePolicy.slotSeconds), number(RatePolicy.slots),
            ], until: deadline)
        guard let share = shares.first else { throw .fault("leasing a share of a rate limit returned no row") }
        return share
    }
}

extension RateSubject {
    /// What it is counted under, so that the table reveals no network or key.
    fileprivate var digest: [UInt8] {
        var digest = SHA256()
        digest.update(Array("\(limitName)\n".utf8))
        switch self {
        case .person(let user): digest.update(Array(user.description.utf8))
        case .key(let key): digest.update(Array(key.description.utf8))
        case .address(let network): digest.update(network)
        }
        return digest.finish().bytes
    }
}
