import Testing
import TestSupport

@testable import Postgres

@Suite struct PGScalarTests {
    @Test func uuidTextRoundTrip() {
        var random = SeededRandom(seed: .random(in: .min ... .max))
        for _ in 0..<1_000 {
            let uuid = PGUUID(high: random.next(), low: random.next())
            #expect(PGUUID(uuid.description) == uuid, "seed \(random.seed)")
            #expect(PGUUID(uuid.description.uppercased()) == uuid, "seed \(random.seed)")
        }
        #expect(PGUUID("0198c5f0-7b1c-7000-8000-0000000000ff")?.low == 0x8000_0000_0000_00ff)
    }

    @Test(arguments: [
        "", "0198c5f0-7b1c-7000-8000-0000000000f", "0198c5f0-7b1c-7000-8000-0000000000ff0",
        "0198c5f07b1c700080000000000000ff", "0198c5f0-7b1c-7000-8000-0000000000fg",
        "0198c5f0-7b1c-7000-80000-000000000ff",
    ])
    func uuidRefuses(_ text: String) {
        #expect(PGUUID(text) == nil)
    }

    @Test func datesCountLikeTheCalendar() {
        #expect(PGDate(year: 1970, month: 1, day: 1)?.days == 0)
        #expect(PGDate(year: 2000, month: 3, day: 1)?.days == 11_017)
        #expect(PGDate(year: 2023, month: 2, day: 29) == nil)
        #expect(PGDate(year: 2024, month: 2, day: 29) != nil)
        #expect(PGDate(year: 2024, month: 13, day: 1) == nil)
        var days: Int32 = -100_000
        while days < 100_000 {
            let (year, month, day) = PGDate(days: days).components
            #expect(PGDate(year: year, month: month, day: day)?.days == days)
            days += 37
        }
    }

    @Test(arguments: [
        ("postgres://u:p%40ss@db.example:5433/films?sslmode=require", "db.example", "5433"),
        ("postgres://u@%2Frun%2Fpg:5432/films", "/run/pg", "5432"),
        ("postgresql:///films?host=/run/pg&port=6000", "/run/pg", "6000"),
    ])
    func urls(_ url: String, _ host: String, _ port: String) throws {
        let configuration = try PGConfiguration(url: url, applicationName: "tests", schema: "films")
        #expect(configuration.keywords["host"] == host)
        #expect(configuration.keywords["port"] == port)
        #expect(configuration.namesToResolve == (host.hasPrefix("/") ? [] : [host]))
        let options = configuration.connectionKeywords(addresses: []).first { $0.0 == "options" }?.1
        #expect(options?.contains("-c search_path=films") == true)
        #expect(options?.contains("-c idle_in_transaction_session_timeout=30000") == true)
        #expect(options?.contains("-c plan_cache_mode=force_generic_plan") == true)
        #expect(options?.contains("-c jit=off") == true)
    }

    @Test func badConfigurationsAreRefusedWithoutQuotingThem() {
        #expect {
            try PGConfiguration(url: "postgres://u:secret@[host/db", applicationName: "tests")
        } throws: { error in
            (error as? PGError)?.kind == .configuration && !"\(error)".contains("secret")
        }
        #expect(throws: PGError.self) {
            try PGConfiguration(url: "postgres://h/d", applicationName: "tests", schema: "a; DROP")
        }
    }
}
