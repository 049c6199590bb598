import Admission
import NIOCore
import Testing

@Suite struct LoopbackTests {
    @Test(
        "A machine's own addresses, written as IPv4, IPv6, or one within the other",
        arguments: ["127.0.0.1", "127.0.0.0", "127.255.255.255", "::1", "::ffff:127.0.0.1", "::ffff:127.9.9.9"])
    func own(_ text: String) throws {
        #expect(Loopback.contains(try SocketAddress(ipAddress: text, port: 9_080)))
    }

    @Test(
        "Everything else, what merely resembles them included",
        arguments: [
            "126.255.255.255", "128.0.0.0", "0.0.0.0", "10.127.0.1", "192.168.1.127", "::", "::2", "::7f00:1",
            "::127.0.0.1", "::1:0:1", "::fffe:127.0.0.1", "::ffff:126.0.0.1", "::ffff:10.0.0.127", "7f00::1",
            "fe80::1", "64:ff9b::127.0.0.1", "2002:7f00:1::1",
        ])
    func others(_ text: String) throws {
        #expect(!Loopback.contains(try SocketAddress(ipAddress: text, port: 9_080)))
    }

    @Test("No address, or the path of a socket, is not taken for one")
    func none() throws {
        #expect(!Loopback.contains(nil))
        #expect(!Loopback.contains(try SocketAddress(unixDomainSocketPath: "/tmp/127.0.0.1")))
    }
}
