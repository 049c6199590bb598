package import AsyncHTTPClient
import Glibc
import NIOCore

/// Limits of connections to other services.
package struct OutboundLimits: Sendable, Hashable {
    /// How long connecting may take.
    package var connect = Duration.seconds(5)
    /// Written data that the other side has not acknowledged for this long never arrives, even if the caller has given
    /// up or died. Together with the longest call this is less than the wait before a lost write is looked for.
    package var untakenMax = Duration.seconds(20)

    package init() {}
}

/// The HTTP configuration for calls to other services.
package enum OutboundHTTP {
    package static func configuration(_ limits: OutboundLimits = OutboundLimits()) -> HTTPClient.Configuration {
        // Redirects are not followed, so that no response can send a token elsewhere.
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout.connect = TimeAmount(limits.connect)
        configuration.http1_1ConnectionDebugInitializer = { restrict($0, limits) }
        configuration.http2ConnectionDebugInitializer = { restrict($0, limits) }
        return configuration
    }

    /// Closing a connection does not discard what was written to it: while the peer is silent, the system keeps sending
    /// for minutes unless it is told when to stop (tcp(7), `TCP_USER_TIMEOUT`).
    private static func restrict(_ channel: any Channel, _ limits: OutboundLimits) -> EventLoopFuture<Void> {
        let milliseconds = SocketOptionValue(TimeAmount(limits.untakenMax).nanoseconds / 1_000_000)
        return channel.setOption(
            ChannelOptions.tcpOption(NIOBSDSocket.Option(rawValue: TCP_USER_TIMEOUT)), value: milliseconds)
    }
}
