/// An HTTP/2 error code, as used in RST_STREAM and GOAWAY frames (RFC 9113 §7).
package struct H2ErrorCode: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let noError = H2ErrorCode(rawValue: 0x0)
    package static let protocolError = H2ErrorCode(rawValue: 0x1)
    package static let internalError = H2ErrorCode(rawValue: 0x2)
    package static let flowControlError = H2ErrorCode(rawValue: 0x3)
    package static let settingsTimeout = H2ErrorCode(rawValue: 0x4)
    package static let streamClosed = H2ErrorCode(rawValue: 0x5)
    package static let frameSizeError = H2ErrorCode(rawValue: 0x6)
    package static let refusedStream = H2ErrorCode(rawValue: 0x7)
    package static let cancel = H2ErrorCode(rawValue: 0x8)
    package static let compressionError = H2ErrorCode(rawValue: 0x9)
    package static let connectError = H2ErrorCode(rawValue: 0xa)
    package static let enhanceYourCalm = H2ErrorCode(rawValue: 0xb)
    package static let inadequateSecurity = H2ErrorCode(rawValue: 0xc)
    package static let http11Required = H2ErrorCode(rawValue: 0xd)

    package var description: String {
        switch self {
        case .noError: "NO_ERROR"
        case .protocolError: "PROTOCOL_ERROR"
        case .internalError: "INTERNAL_ERROR"
        case .flowControlError: "FLOW_CONTROL_ERROR"
        case .settingsTimeout: "SETTINGS_TIMEOUT"
        case .streamClosed: "STREAM_CLOSED"
        case .frameSizeError: "FRAME_SIZE_ERROR"
        case .refusedStream: "REFUSED_STREAM"
        case .cancel: "CANCEL"
        case .compressionError: "COMPRESSION_ERROR"
        case .connectError: "CONNECT_ERROR"
        case .enhanceYourCalm: "ENHANCE_YOUR_CALM"
        case .inadequateSecurity: "INADEQUATE_SECURITY"
        case .http11Required: "HTTP_1_1_REQUIRED"
        default: "code \(rawValue)"
        }
    }
}

/// The number of one stream on one connection; the client opens odd numbers.
package struct H2StreamID: RawRepresentable, Sendable, Hashable, Comparable, CustomStringConvertible {
    package let rawValue: Int32

    package init(rawValue: Int32) { self.rawValue = rawValue }

    package static func < (left: H2StreamID, right: H2StreamID) -> Bool { left.rawValue < right.rawValue }

    package var description: String { "\(rawValue)" }
}
