package import AsyncHTTPClient
import Glibc
import NIOCore

/// Bounds of the connections to other people's services.
package struct OutboundLimits: Sendable, Hashable {
    /// How long connecting may take.
    package var connect = Duration.seconds(5)
    /// What the other side has not taken for this long after it was written never arrives, whoever has given up the call or
    /// died meanwhile. With the longest call it is less than the wait before a lost write is looked for.
    package var untakenMax = Duration.seconds(20)

    package init() {}
}

/// How scrobble calls other people's services.
package enum OutboundHTTP {
    package static func configuration(_ limits: OutboundLimits = OutboundLimits()) -> HTTPClient.Configuration {
        // Redirects are not followed: an answer must not send a token elsewhere.
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout.connect = TimeAmount(limits.connect)
        configuration.http1_1ConnectionDebugInitializer = { restrict($0, limits) }
        configuration.http2ConnectionDebugInitializer = { restrict($0, limits) }
        return configuration
    }

    /// A closed connection is not the end of what was written to it: the system goes on sending that for minutes, as long as
    /// the other side is silent, unless it is told when to stop (tcp(7), `TCP_USER_TIMEOUT`).
    private static func restrict(_ channel: any Channel, _ limits: OutboundLimits) -> EventLoopFuture<Void> {
        let milliseconds = SocketOptionValue(TimeAmount(limits.untakenMax).nanoseconds / 1_000_000)
        return channel.setOption(
            ChannelOptions.tcpOption(NIOBSDSocket.Option(rawValue: TCP_USER_TIMEOUT)), value: milliseconds)
    }
}
