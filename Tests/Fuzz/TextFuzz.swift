import Contracts
import RPC

/// Reads any text as a timestamp, a date and a trace header: what is accepted is written so that it reads back equal.
enum TextFuzz {
    static func run(_ bytes: [UInt8]) -> Int32 {
        let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        let (text, state) = (parts[0], parts.count > 1 ? parts[1] : nil)
        if let moment = Timestamp(text) {
            check(Timestamp(moment.description) == moment, "\(text) is written as \(moment)")
            check(Timestamp(moment.date) <= moment, "a moment before its day")
        }
        if let day = CalendarDate(text) {
            check(CalendarDate(day.description) == day, "\(text) is written as \(day)")
            check(Timestamp(day).date == day, "a day begins on another one")
        }
        if let trace = TraceContext(traceparent: text, tracestate: state) {
            let again = TraceContext(traceparent: trace.traceparent, tracestate: state)
            check(again == trace, "\(text) is written as \(trace.traceparent)")
            check(trace.traceparent.utf8.count == 55, "a header of \(trace.traceparent.utf8.count) bytes")
        }
        return 0
    }
}
