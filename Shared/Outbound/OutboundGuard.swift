package import AsyncHTTPClient
internal import Cryptography
package import Logging
internal import Metrics
internal import NIOCore
package import Runtime

/// Enforces `OutboundRule` on outgoing calls: on URLs in the settings, and on every connection by its actual address,
/// whatever a name server said before or says later. A forbidden connection ends before a byte of a request is sent.
package struct OutboundGuard: Sendable {
    package static let networks = ConfigKey<[String]>.list(
        "REELAY_OUTBOUND_NETWORKS", form: "addresses and ranges such as 192.168.1.0/24, separated by commas",
        "Networks, besides the public internet, that outgoing calls to providers may reach; none by default, and never the services themselves.",
        accepts: { OutboundRange($0) != nil })

    private let rule: OutboundRule
    private let logger: Logger?
    private let refused = Counter(label: "outbound_refused_total")

    package init(_ rule: OutboundRule, logger: Logger? = nil) {
        self.rule = rule
        self.logger = logger
    }

    /// Creates a guard from the settings of a service. Throws with all settings whose URL may not be called.
    package init(_ values: ConfigValues, _ runtime: ServiceRuntime) throws(StartupError) {
        rule = OutboundRule(
            networks: values[Self.networks].compactMap { OutboundRange($0) },
            ownPorts: Self.ownPorts(values, port: runtime.port))
        logger = runtime.logger
        let faults = values.texts(ending: "_URL").filter { $0.name != SharedKeys.publicURL.name }.compactMap {
            [rule] setting in
            rule.fault(of: setting.text).map { StartupError.Problem(subject: setting.name, reason: $0) }
        }
        guard faults.isEmpty else { throw .settings(faults) }
    }

    /// The ports of this deployment's services, by the settings of one that serves at `port`, and of its Postgres.
    static func ownPorts(_ values: ConfigValues, port: Int) -> Set<Int> {
        let ports = [port, port + 1_000] + ports(values[SharedKeys.databaseURL].revealed)
        let peers = values.texts(ending: "_ADDRESS").flatMap { $0.text.split(separator: ",") }.flatMap { peer in
            Int(peer.split(separator: ":").last ?? "").map { [$0, $0 + 1_000] } ?? []
        }
        let listeners = (values.texts(ending: "_INTERNAL_PORT") + values.texts(ending: "_ADMIN_PORT")).compactMap {
            Int($0.text)
        }
        return Set(ports + peers + listeners)
    }

    private static func ports(_ databaseURL: String) -> [Int] {
        let authority = databaseURL.split(separator: "/", maxSplits: 2).dropFirst().first ?? ""
        let hosts = authority.split(separator: "?").first?.split(separator: "@").last ?? ""
        let named = hosts.split(separator: ",").compactMap { Int($0.split(separator: ":").last ?? "") }
        return named.isEmpty ? [5_432] : named
    }

    /// Makes a client check each connection before it uses it; other connection initializers of its configuration are
    /// kept.
    package func protect(_ configuration: inout HTTPClient.Configuration) {
        let (first, second) = (
            configuration.http1_1ConnectionDebugInitializer, configuration.http2ConnectionDebugInitializer
        )
        configuration.http1_1ConnectionDebugInitializer = { channel in
            admit(channel).flatMap { first?(channel) ?? channel.eventLoop.makeSucceededVoidFuture() }
        }
        configuration.http2ConnectionDebugInitializer = { channel in
            admit(channel).flatMap { second?(channel) ?? channel.eventLoop.makeSucceededVoidFuture() }
        }
    }

    private func admit(_ channel: any Channel) -> EventLoopFuture<Void> {
        let text = channel.remoteAddress?.ipAddress.map { String($0.prefix { $0 != "%" }) }
        let port = channel.remoteAddress?.port ?? 0
        let fault: String?
        if let address = text.flatMap(OutboundAddress.init) {
            fault = rule.fault(of: address, port: port)
        } else {
            fault = "the address of the other side is unknown"
        }
        guard let fault else { return channel.eventLoop.makeSucceededVoidFuture() }
        refused.increment()
        logger?.warning("outgoing connection refused", metadata: ["cause": "\(fault)"])
        // Closed here, since the client merely forgets it; and before the client learns of the refusal: a connection
        // that it knows to be refused must not end while the client waits to retry, or the process crashes.
        channel.close(promise: nil)
        return channel.closeFuture.flatMap { channel.eventLoop.makeFailedFuture(OutboundRefused(reason: fault)) }
    }
}

/// A connection was refused.
package struct OutboundRefused: Error, Sendable, CustomStringConvertible {
    package let reason: String
    package var description: String { reason }
}
