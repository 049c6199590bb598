/// Where outgoing calls may lead: to the public internet, to the networks configured by the administrator, and never to
/// the installation's own services. Pure: names are resolved and their addresses checked by `OutboundGuard`.
package struct OutboundRule: Sendable {
    private let networks: [OutboundRange]
    /// The ports of the installation's own services and of its database.
    private let ownPorts: Set<Int>

    package init(networks: [OutboundRange] = [], ownPorts: Set<Int> = []) {
        self.networks = networks
        self.ownPorts = ownPorts
    }

    /// Returns why no connection may lead to this address; nil if it may.
    package func fault(of address: OutboundAddress, port: Int) -> String? {
        if address.isPublic { return nil }
        guard networks.contains(where: { $0.contains(address) }) else {
            return "\(address) is neither on the public internet nor in a network of REELAY_OUTBOUND_NETWORKS"
        }
        return ownPorts.contains(port) ? "\(address):\(port) is a service of this installation" : nil
    }

    /// Returns why a URL may not be called, as far as its text shows; nil if it may, and for a name, whose addresses
    /// are checked later.
    package func fault(of url: String) -> String? {
        guard let place = Place(url) else { return "it is not of the form http://host:port/path" }
        if let address = place.address { return fault(of: address, port: place.port) }
        if place.isAlmostAddress { return "\(place.host) looks like an address but is not written as one" }
        if place.isLocalName, let loopback = OutboundAddress("127.0.0.1") {
            return fault(of: loopback, port: place.port)
        }
        return nil
    }

    /// The host and port of a URL.
    private struct Place {
        let host: String
        let port: Int
        let address: OutboundAddress?

        init?(_ url: String) {
            guard let scheme = ["http://", "https://"].first(where: { url.hasPrefix($0) }) else { return nil }
            let authority = url.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
            // A user before the host, and what other parsers take for a slash, obscure where a URL leads.
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

        /// The last label of the host that is not empty.
        private var lastLabel: Substring { host.split(separator: ".").last ?? "" }

        /// Whether some system might read the host as a number: it ends in one, decimal or hexadecimal (URL Standard,
        /// "ends in a number checker"), but is not a properly written address.
        var isAlmostAddress: Bool {
            let digits = lastLabel.hasPrefix("0x") ? lastLabel.dropFirst(2) : lastLabel
            if lastLabel.isEmpty { return true }
            return lastLabel.hasPrefix("0x") ? digits.allSatisfy(\.isHexDigit) : digits.allSatisfy(\.isNumber)
        }

        /// `localhost` and everything below it are this machine (RFC 6761 §6.3), whatever a name server says.
        var isLocalName: Bool { lastLabel == "localhost" }
    }
}
