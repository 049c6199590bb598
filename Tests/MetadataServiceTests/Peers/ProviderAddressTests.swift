import MetadataService
import Testing

@Suite("Addresses at providers")
struct ProviderAddressTests {
    @Test("parts are escaped, absent members left out")
    func escaping() {
        let address = ProviderAddress("http://host/3//").appending("find").appending("a/b?c").with(
            "query", "Ember & Ash+é"
        )
        .with("year", nil).with("page", "1")
        #expect(address.url == "http://host/3/find/a%2Fb%3Fc?query=Ember%20%26%20Ash%2B%C3%A9&page=1")
        #expect(ProviderAddress("http://host/omdb").with("i", "tt1").url == "http://host/omdb/?i=tt1")
    }

    @Test("texts become clean facts")
    func texts() {
        #expect(FactsText.name("  A\u{0}\u{7F} title \n") == "A title")
        #expect(FactsText.name("\u{1} ") == nil)
        #expect(FactsText.name(String(repeating: "é", count: 501))?.count == 500)
        #expect(FactsText.genres(["Drama", " Drama ", "", "War"]) == ["Drama", "War"])
        #expect(FactsText.genres((0..<60).map { "G\($0)" }).count == 50)
        #expect(FactsText.address("https://a.example/x.jpg") != nil)
        for refused in ["N/A", "/x.jpg", "javascript:alert(1)", "https://a b", "https://a/<x>", "https://é"] {
            #expect(FactsText.address(refused) == nil)
        }
        #expect(SubjectIDs.checkedIMDb("tt0133093") == "tt0133093")
        for refused in ["tt123", "nm0000206", "tt01330937777", "tt01330a3", "tt"] {
            #expect(SubjectIDs.checkedIMDb(refused) == nil)
        }
    }
}
