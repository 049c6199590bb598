import JSON
import Testing

@testable import Contracts

@Suite struct URITests {
    private func reads(_ text: String) -> Bool {
        Array("\"\(text)\"".utf8).withUnsafeBytes { bytes in
            var reader = JSONReader(bytes)
            return (try? reader.uri(max: 60)) == text
        }
    }

    @Test(arguments: [
        "https://image.example/t/p/w500/a-b_c~d.jpg", "a:b", "A+-.9:b", "urn:isbn:0-395-36341-1", "http://[::1]:80/",
        "x:%41", "x:%41%aF", "x:a%00b", "mailto:a@b?subject=c&d=!$'()*+,;=#f",
    ])
    func anAbsoluteURIIsRead(_ text: String) { #expect(reads(text)) }

    @Test(arguments: [
        "", ":", "a:", "A+-.9:", ":b", "abc", "9a:b", "-a:b", "a_b:c", "a b:c", "a:b c", "a:<b>", "a:b^c", "a:b`c",
        "a:b|c", "a:{b}",
        "x:%", "x:%4", "x:%4g", "x:%g4", "x:a%", "x:a%4", "x:%%41", "a:é", "é:a", "a:\u{7F}",
        "https://image.example/that/goes/on/and/on/and/on/until/it/is/too/long",
    ])
    func whatIsNoneIsRefused(_ text: String) { #expect(!reads(text)) }
}
