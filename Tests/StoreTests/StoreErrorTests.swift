import Postgres
import Testing

@testable import Store

/// Postgres errors, translated into store errors.
@Suite struct StoreErrorTests {
    /// Any fault of ours used to be reported to callers as an unknown time zone.
    @Test("A value that Postgres does not take is told from a fault of ours by its state, whatever the texts say")
    func invalidValue() {
        let zone = PGError(
            .server, "time zone \"Atlantis\" not recognized", sqlState: "22023", statement: "ledger.days")
        #expect(StoreError(zone) == .invalidValue(zone.description))
        for state in ["22007", "42703"] {
            let fault = PGError(.server, "there is no column 22023 here", sqlState: state)
            #expect(StoreError(fault) == .fault(fault.description))
        }
    }
}
