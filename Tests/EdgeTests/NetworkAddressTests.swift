import Testing

@testable import Edge

@Suite struct NetworkAddressTests {
    @Test(
        "Text of an address",
        arguments: [
            ("192.0.2.1", "192.0.2.1"), ("::1", "::1"), ("2001:DB8::1", "2001:db8::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"), ("0:0:0:0:0:0:0:1", "::1"),
        ])
    func read(text: String, expected: String) { #expect(NetworkAddress(text)?.description == expected) }

    @Test(
        "No address", arguments: ["", "192.0.2", "192.0.2.256", "localhost", "0x7f.1", "1.2.3.4 ", "::1%lo", "[::1]"])
    func refused(text: String) { #expect(NetworkAddress(text) == nil) }

    @Test(
        "A range holds what begins with its bits",
        arguments: [
            ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false), ("192.0.2.128/25", "192.0.2.129", true),
            ("192.0.2.128/25", "192.0.2.127", false), ("0.0.0.0/0", "203.0.113.9", true),
            ("::/0", "203.0.113.9", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true), ("2001:db8::/32", "2001:db9::1", false),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true),
        ])
    func ranges(range: String, address: String, isIn: Bool) throws {
        #expect(try #require(NetworkRange(range)).contains(try #require(NetworkAddress(address))) == isIn)
    }

    @Test("Of IPv6 a household has 64 bits, and one customer of a provider 48")
    func networks() throws {
        let (short, long) = (try #require(NetworkAddress("192.0.2.1")), try #require(NetworkAddress("2001:db8:1:2::3")))
        #expect(short.network == [192, 0, 2, 1] && short.site == short.network)
        #expect(long.network == [0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 2])
        #expect(long.site == [0x20, 0x01, 0x0d, 0xb8, 0, 1])
    }

    @Test("No range", arguments: ["10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "/8", "10.0.0.0/8/8", "::/129", "x/8"])
    func refusedRange(text: String) { #expect(NetworkRange(text) == nil) }

    @Test(
        "The client is who the last proxy of ours says",
        arguments: [
            ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
            ("10.0.0.1", [], "10.0.0.1"),
            ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
            // What the client itself sends precedes what our proxy appends.
            ("10.0.0.1", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", ["1.1.1.1", "198.51.100.1, 10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", ["198.51.100.1, unknown"], "10.0.0.1"),
            ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
            ("10.0.0.1", ["[2001:db8::7]:4711"], "2001:db8::7"),
            ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
            ("", ["198.51.100.1"], ""),
        ])
    func clients(peer: String, fields: [String], expected: String) throws {
        let proxies = TrustedProxies([try #require(NetworkRange("10.0.0.0/8"))])
        #expect(proxies.client(peer: peer, forwardedFor: fields) == expected)
        #expect(TrustedProxies().client(peer: "10.0.0.1", forwardedFor: ["1.1.1.1"]) == "10.0.0.1")
    }
}
