internal import CNghttp2

/// The C functions that libnghttp2 calls; each passes plain values to the `H2CallbackContext` in a few lines.
///
/// They ignore the session that the library passes: nothing may call it while it runs.
enum H2Callbacks {
    /// Returns the context of a session; it outlives the session, which references it unretained.
    private static func context(_ pointer: UnsafeMutableRawPointer?) -> H2CallbackContext? {
        guard let pointer = unsafe pointer else { return nil }
        return unsafe Unmanaged<H2CallbackContext>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// The result of a callback whose own invariant is violated; it ends the session.
    private static let broken = Int32(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)

    /// Sets every callback on a callbacks object, which the library copies into each session.
    static func install(on callbacks: OpaquePointer) {
        unsafe installFrames(on: callbacks)
        unsafe installMessage(on: callbacks)
        unsafe installEnds(on: callbacks)
    }

    private static func installFrames(on callbacks: OpaquePointer) {
        unsafe nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks) { _, header, pointer in
            guard let context = unsafe H2Callbacks.context(pointer), let header = unsafe header else {
                return H2Callbacks.broken
            }
            unsafe context.beginFrame(
                header.pointee.type, flags: header.pointee.flags, length: header.pointee.length,
                id: header.pointee.stream_id)
            return 0
        }
        unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, pointer in
            guard let context = unsafe H2Callbacks.context(pointer), let frame = unsafe frame else {
                return H2Callbacks.broken
            }
            unsafe H2Callbacks.receive(frame, context)
            return 0
        }
        unsafe nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, pointer in
            guard let context = unsafe H2Callbacks.context(pointer), let frame = unsafe frame else {
                return H2Callbacks.broken
            }
            let header = unsafe frame.pointee.hd
            var code = H2ErrorCode.noError
            var last: Int32 = 0
            if header.type == FrameType.resetStream {
                code = unsafe H2ErrorCode(rawValue: frame.pointee.rst_stream.error_code)
            } else if header.type == FrameType.goAway {
                code = unsafe H2ErrorCode(rawValue: frame.pointee.goaway.error_code)
                last = unsafe frame.pointee.goaway.last_stream_id
            }
            context.sentFrame(header.type, id: header.stream_id, code: code, last: last)
            return 0
        }
        unsafe nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks) { _, frame, _, pointer in
            guard let context = unsafe H2Callbacks.context(pointer), let frame = unsafe frame else {
                return H2Callbacks.broken
            }
            if unsafe frame.pointee.hd.type == FrameType.headers {
                unsafe context.requestNotSent(frame.pointee.hd.stream_id)
            }
            return 0
        }
    }

    private static func receive(_ frame: UnsafePointer<nghttp2_frame>, _ context: H2CallbackContext) {
        let header = unsafe frame.pointee.hd
        switch header.type {
        case FrameType.headers:
            context.endHeaders(header.stream_id, endStream: header.flags & FrameFlag.endStream != 0)
        case FrameType.data:
            if header.flags & FrameFlag.endStream != 0 { context.endStreamData(header.stream_id) }
        case FrameType.settings:
            context.receiveSettings(isAcknowledgement: header.flags & FrameFlag.acknowledgement != 0)
        case FrameType.ping:
            if header.flags & FrameFlag.acknowledgement != 0 { context.events.append(.pingAcknowledged) }
        case FrameType.resetStream:
            let code = unsafe H2ErrorCode(rawValue: frame.pointee.rst_stream.error_code)
            context.observe(.resetReceived(H2StreamID(rawValue: header.stream_id), code))
        case FrameType.goAway:
            unsafe context.receiveGoAway(
                last: frame.pointee.goaway.last_stream_id, H2ErrorCode(rawValue: frame.pointee.goaway.error_code))
        default:
            break
        }
    }

    private static func installMessage(on callbacks: OpaquePointer) {
        unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, pointer in
            guard let context = unsafe H2Callbacks.context(pointer), let frame = unsafe frame else {
                return H2Callbacks.broken
            }
            let isRequest = unsafe frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST
            unsafe context.beginHeaders(frame.pointee.hd.stream_id, isRequest: isRequest)
            return 0
        }
        unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            _, frame, name, nameCount, value, valueCount, _, pointer in
            guard let context = unsafe H2Callbacks.context(pointer), let frame = unsafe frame else {
                return H2Callbacks.broken
            }
            unsafe context.receiveHeader(
                frame.pointee.hd.stream_id, name: UnsafeRawBufferPointer(start: name, count: nameCount),
                value: UnsafeRawBufferPointer(start: value, count: valueCount))
            return 0
        }
        // RFC 9113 §8.2.1: a malformed field makes the message malformed; the library would merely omit the field.
        unsafe nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks) { _, _, _, _, _, _, _, _ in
            Int32(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
        }
        unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { _, _, id, bytes, count, pointer in
            guard let context = unsafe H2Callbacks.context(pointer) else { return H2Callbacks.broken }
            unsafe context.receiveData(id, UnsafeRawBufferPointer(start: bytes, count: count))
            return 0
        }
    }

    private static func installEnds(on callbacks: OpaquePointer) {
        unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, id, code, pointer in
            guard let context = unsafe H2Callbacks.context(pointer) else { return H2Callbacks.broken }
            context.closeStream(id, H2ErrorCode(rawValue: code))
            return 0
        }
    }

    /// Copies the next part of a stream's body into a frame; finds the body by the stream's number.
    static let readBody:
        @convention(c) (
            OpaquePointer?, Int32, UnsafeMutablePointer<UInt8>?, Int, UnsafeMutablePointer<UInt32>?,
            UnsafeMutablePointer<nghttp2_data_source>?, UnsafeMutableRawPointer?
        ) -> Int = { _, id, buffer, count, flags, _, pointer in
            guard
                let context = unsafe H2Callbacks.context(pointer), let flags = unsafe flags,
                let part = unsafe context.nextOutbound(
                    id, into: UnsafeMutableRawBufferPointer(start: buffer, count: count))
            else { return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
            if part.isLast { unsafe flags.pointee |= UInt32(NGHTTP2_DATA_FLAG_EOF.rawValue) }
            return part.count
        }
}
