/// Where outgoing calls may lead: to the public internet, to the networks that the administrator named, and never to the
/// installation's own services. Pure: names are judged by what they turn out to be, which is `OutboundGuard`'s matter.
package struct OutboundRule: Sendable {
    private let networks: [OutboundRange]
    /// Ports of the installation's own services and of its database.
    private let ownPorts: Set<Int>

    package init(networks: [OutboundRange] = [], ownPorts: Set<Int> = []) {
        self.networks = networks
        self.ownPorts = ownPorts
    }

    /// Why no connection may lead to this address; nil where it may.
    package func fault(of address: OutboundAddress, port: Int) -> String? {
        if address.isPublic { return nil }
        guard networks.contains(where: { $0.contains(address) }) else {
            return "\(address) is not on the public internet and in none of the networks of REELAY_OUTBOUND_NETWORKS"
        }
        return ownPorts.contains(port) ? "\(address):\(port) is a service of this installation" : nil
    }

    /// Why a URL may not be called, as far as its text tells; nil for one that may, and for a name, whose addresses will tell.
    package func fault(of url: String) -> String? {
        guard let place = Place(url) else { return "it names no place of the form http://host:port/path" }
        if let address = place.address { return fault(of: address, port: place.port) }
        if place.isAlmostAddress { return "\(place.host) is written as an address is not" }
        if place.isLocalName, let loopback = OutboundAddress("127.0.0.1") {
            return fault(of: loopback, port: place.port)
        }
        return nil
    }

    /// The place that a URL names.
    private struct Place {
        let host: String
        let port: Int
        let address: OutboundAddress?

        init?(_ url: String) {
            guard let scheme = ["http://", "https://"].first(where: { url.hasPrefix($0) }) else { return nil }
            let authority = url.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
            // A user before the host, and what other readers take for a slash, hide where a URL leads.
            guard authority.utf8.allSatisfy({ (0x21...0x7e).contains($0) && $0 != 0x40 && $0 != 0x5c && $0 != 0x25 })
            else { return nil }
            var (name, rest) = (authority, Substring())
            if authority.hasPrefix("[") {
                guard let end = authority.firstIndex(of: "]") else { return nil }
                name = authority[authority.index(after: authority.startIndex)..<end]
                rest = authority[authority.index(after: end)...]
                guard let address = OutboundAddress(String(name)), name.contains(":") else { return nil }
                self.address = address
            } else {
                let colon = authority.firstIndex(of: ":")
                name = authority[..<(colon ?? authority.endIndex)]
                rest = colon.map { authority[$0...] } ?? Substring()
                address = OutboundAddress(String(name))
            }
            guard !name.isEmpty else { return nil }
            host = name.lowercased()
            if rest.isEmpty {
                port = scheme == "https://" ? 443 : 80
            } else {
                guard rest.first == ":", let number = UInt16(rest.dropFirst()), number > 0 else { return nil }
                port = Int(number)
            }
        }

        /// The last part of the host that is not empty.
        private var lastLabel: Substring { host.split(separator: ".").last ?? "" }

        /// Whether some system would read the host as a number: it ends in one, decimal or hexadecimal (URL Standard, "ends in
        /// a number checker"), and is no address as addresses are written.
        var isAlmostAddress: Bool {
            let digits = lastLabel.hasPrefix("0x") ? lastLabel.dropFirst(2) : lastLabel
            if lastLabel.isEmpty { return true }
            return lastLabel.hasPrefix("0x") ? digits.allSatisfy(\.isHexDigit) : digits.allSatisfy(\.isNumber)
        }

        /// `localhost` and all below it are this machine (RFC 6761 §6.3), whatever a name server says.
        var isLocalName: Bool { lastLabel == "localhost" }
    }
}
