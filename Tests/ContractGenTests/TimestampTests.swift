import Contracts
import Testing

@Suite struct TimestampTests {
    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"),
            ("2026-11-01T12:00:00Z", 1_793_534_400_000_000, "2026-11-01T12:00:00Z"),
            ("1969-12-31T23:59:59.5Z", -500_000, "1969-12-31T23:59:59.500Z"),
            ("2000-02-29T00:00:00+01:00", 951_778_800_000_000, "2000-02-28T23:00:00Z"),
            ("2026-11-01t12:00:00.000001z", 1_793_534_400_000_001, "2026-11-01T12:00:00.000001Z"),
            ("1970-01-01T00:00:00.1234569Z", 123_456, "1970-01-01T00:00:00.123456Z"),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000_000, "2017-01-01T00:00:00Z"),
            ("2017-01-01T00:59:60+01:00", 1_483_228_800_000_000, "2017-01-01T00:00:00Z"),
            ("0000-01-01T00:00:00Z", -62_167_219_200_000_000, "0000-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
            ("1970-01-01T00:00:00-00:00", 0, "1970-01-01T00:00:00Z"),
        ] as [(String, Int64, String)])
    func readAndWritten(_ text: String, _ micros: Int64, _ written: String) throws {
        let moment = try #require(Timestamp(text))
        #expect(moment.microsecondsSinceEpoch == micros)
        #expect(moment.description == written)
        #expect(Timestamp(written) == moment)
    }

    @Test(arguments: [
        "", "2026-11-01", "2026-11-01 12:00:00Z", "2026-11-01T12:00Z", "2026-11-01T12:00:00", "2026-13-01T12:00:00Z",
        "2026-00-01T12:00:00Z",
        "2026-02-29T12:00:00Z", "1900-02-29T12:00:00Z", "2026-04-31T12:00:00Z", "2026-11-00T12:00:00Z",
        "2026-11-01T24:00:00Z", "2026-11-01T12:60:00Z",
        "2026-11-01T12:00:61Z", "2026-11-01T12:00:60Z", "2026-11-01T12:00:00.Z", "2026-11-01T12:00:00+1:00",
        "2026-11-01T12:00:00+24:00",
        "2026-11-01T12:00:00+01:60", "2026-11-01T12:00:00Zx", "+2026-11-01T12:00:00Z", "0000-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01", "2026-11-01T12:00:00,5Z",
        "２０２６-11-01T12:00:00Z",
    ])
    func refused(_ text: String) { #expect(Timestamp(text) == nil) }

    @Test func everyDayThereAndBack() {
        var previous: CalendarDate?
        for days in stride(from: -719_528, through: 2_932_896, by: 1) where days % 7 == 0 || abs(days) < 40_000 {
            guard let date = CalendarDate(daysSinceEpoch: days) else { return #expect(Bool(false), "\(days)") }
            if date.daysSinceEpoch != days || CalendarDate(year: date.year, month: date.month, day: date.day) != date {
                return #expect(Bool(false), "\(days)")
            }
            if let previous, previous >= date { return #expect(Bool(false), "\(days)") }
            previous = date
        }
        #expect(CalendarDate(daysSinceEpoch: -719_529) == nil)
        #expect(CalendarDate(daysSinceEpoch: 2_932_897) == nil)
        #expect(CalendarDate("2026-02-30") == nil)
        #expect(CalendarDate("2024-02-29")?.description == "2024-02-29")
    }

    @Test func arithmetic() throws {
        let moment = try #require(Timestamp("2026-11-01T12:00:00Z"))
        #expect(moment.advanced(by: .seconds(90)).description == "2026-11-01T12:01:30Z")
        #expect(moment.advanced(by: .milliseconds(-1)).description == "2026-11-01T11:59:59.999Z")
        #expect(moment.duration(to: moment.advanced(by: .seconds(5))) == .seconds(5))
        #expect(moment.advanced(by: .seconds(Int64.max / 2)).description == "9999-12-31T23:59:59.999999Z")
        #expect(moment.date == CalendarDate(year: 2_026, month: 11, day: 1))
        #expect(Timestamp(clampingMicrosecondsSinceEpoch: -1).date.description == "1969-12-31")
    }

    @Test func identifiers() throws {
        let text = "01920000-0000-7000-8000-00000000a11c"
        let id = try #require(TitleID(text))
        #expect(id.description == text)
        #expect(TitleID(text.uppercased()) == id)
        #expect(TitleID(bytes: id.uuid.bytes) == id)
        for wrong in [
            "", "x", text + "0", text.replacing("-", with: ""), text.replacing("a", with: "g"),
            text.replacing("7000-", with: "70000"),
        ] {
            #expect(TitleID(wrong) == nil)
        }
    }
}
