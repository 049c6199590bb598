import Edge
import Postgres

extension GatewayQueries {
    /// Leases a share of what all copies of the gateway together may let through for a subject.
    static let leaseRequests = PGStatement(
        "gateway.leaseRequests",
        "SELECT granted, remaining, wait_seconds, present FROM lease_requests($1, $2, $3, $4, $5, $6, $7)", kind: .solo
    ) { row throws(PGError) in
        RateShare(
            granted: Int(try row.next(Int32.self)), remaining: Int(try row.next(Int32.self)),
            waitSeconds: Int(try row.next(Int32.self)), slot: try row.next(Int64.self))
    }
}
