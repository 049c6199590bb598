import MetadataService
import Testing

@Suite("Partial dates")
struct PartialDateTests {
    @Test(
        "days, months and years are read and written again",
        arguments: ["1999-03-31", "2017-10", "2017", "2024-02-29", "1850-01-01", "2200-12-31"])
    func reads(text: String) {
        #expect(PartialDate(iso: text)?.iso == text)
    }

    @Test("a moment is read as its day")
    func moment() {
        #expect(PartialDate(iso: "2011-04-18T01:00:00.000Z")?.iso == "2011-04-18")
    }

    @Test(
        "what is no date is nothing",
        arguments: [
            "", "N/A", "1999-13-01", "2023-02-29", "1999-3-1", "99", "1999-", "1999-03-31-1", "0000", "+999", "2201",
            "1849", "1999-00", "1999-04-31",
        ])
    func refuses(text: String) {
        #expect(PartialDate(iso: text) == nil)
    }
}
