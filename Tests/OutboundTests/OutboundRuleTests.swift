import Outbound
import Testing

/// Which URLs may be called, judging by their text.
@Suite struct OutboundRuleTests {
    private static let rule = OutboundRule()

    /// Ways to write an address that is not on the public internet, or to hide where a URL leads.
    static let refused = thisMachine + elsewhere

    /// Those that name this machine, at least to some parsers.
    static let thisMachine = [
        "http://127.0.0.1/", "http://127.0.0.1:8080/", "https://127.0.0.1/", "http://127.255.255.254/",
        "http://0.0.0.0/", "http://0.0.0.1/", "http://localhost/", "http://LOCALHOST:80/", "http://localhost./",
        "http://anything.localhost/", "http://[::1]/", "http://[::]/", "http://[0:0:0:0:0:0:0:1]/",
        "http://[0000::0001]:80/",
        // As numbers, octal, hexadecimal, shortened, with a trailing dot.
        "http://2130706433/", "http://017700000001/", "http://0x7f000001/", "http://0x7F000001/", "http://127.1/",
        "http://127.0.1/", "http://0177.0.0.1/", "http://0x7f.0.0.1/", "http://127.0.0.01/", "http://127.0.0.0x1/",
        "http://127.0.0.1./", "http://0/", "http://1/", "http://00000000177.0.0.1/", "http://127.0.0.1.0x/",
        "http://4294967297/", "http://127.0.0.256/",
        // IPv4 inside IPv6.
        "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[0:0:0:0:0:ffff:127.0.0.1]/",
        "http://[::ffff:0:127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[::127.0.0.1]/", "http://[2002:7f00:1::]/",
        "http://[2001:0:7f00:1::]/",
        // After a user, in other digits, in brackets, after a space.
        "http://api.example@127.0.0.1/", "http://127.0.0.1\\@api.example/", "http://①②⑦.⓪.⓪.①/", "//127.0.0.1/",
        "http://[127.0.0.1]/", "http:// 127.0.0.1/",
    ]

    private static let elsewhere = [
        // Private, shared, reserved and multicast addresses.
        "http://10.0.0.1/", "http://172.16.0.1/", "http://172.31.255.255/", "http://192.168.1.1/", "http://100.64.0.1/",
        "http://169.254.169.254/latest/meta-data/", "http://[fe80::1]/", "http://[fe80::1%25eth0]/",
        "http://[fd00:ec2::254]/", "http://[fc00::1]/", "http://224.0.0.1/", "http://[ff02::1]/",
        "http://255.255.255.255/", "http://240.0.0.1/", "http://198.18.0.1/", "http://192.0.0.1/", "http://192.0.2.1/",
        "http://[2001:db8::1]/", "http://[100::1]/", "http://[3fff::1]/", "http://[64:ff9b:1::1]/",
        "http://[64:ff9b::10.0.0.1]/",
        // URLs that hide the host, or name none.
        "http://api.example%00.internal/", "http:///", "http://", "ftp://api.example/", "file:///etc/passwd",
        "http://api.example:0/", "http://api.example:99999/", "http://api.example:80:80/", "http://./", "http://../",
    ]

    @Test("No way of writing an address leads out of the public internet")
    func forms() {
        #expect(Self.refused.count >= 60)
        for url in Self.refused { #expect(Self.rule.fault(of: url) != nil, "\(url)") }
        print("addresses: \(Self.refused.count) ways of writing, all refused")
    }

    @Test(
        "The providers' own addresses, and public ones however they are written, may be called",
        arguments: [
            "https://api.themoviedb.org/3", "http://api.anidb.net:9001", "https://graphql.anilist.co",
            "https://kitsu.app/api/edge", "http://9.9.9.9/", "http://[2606:4700::1111]:443/x",
            "https://1.1.1.1.example/",
            "http://172.15.255.255/", "http://172.32.0.1/", "http://100.63.255.255/", "http://100.128.0.1/",
            "http://[::ffff:9.9.9.9]/", "http://11.0.0.1/", "http://223.255.255.255/", "http://xn--bcher-kva.example/",
        ])
    func allowed(url: String) { #expect(Self.rule.fault(of: url) == nil) }

    @Test("Named networks open themselves and nothing else, and never the installation's own services")
    func networks() throws {
        let ranges = try ["192.168.1.0/24", "127.0.0.1", "fd00::/8"].map { try #require(OutboundRange($0)) }
        let rule = OutboundRule(networks: ranges, ownPorts: [5_432, 7_101])
        for url in [
            "http://192.168.1.7:7900/tmdb/3", "http://127.0.0.1:7900/", "http://[fd12::1]/", "http://localhost:9/",
        ] {
            #expect(rule.fault(of: url) == nil, "\(url)")
        }
        for url in [
            "http://192.168.2.7/", "http://127.0.0.2/", "http://[fe80::1]/", "http://127.0.0.1:5432/",
            "http://localhost:7101/", "http://192.168.1.7:5432/", "http://[::ffff:127.0.0.1]:7101/",
        ] { #expect(rule.fault(of: url) != nil, "\(url)") }
        // On the public internet, any port is allowed.
        #expect(rule.fault(of: "http://9.9.9.9:5432/") == nil)
        for text in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "localhost", "10.0.0.0/8/8", "10.0.0.0/-1"] {
            #expect(OutboundRange(text) == nil, "\(text)")
        }
    }
}
