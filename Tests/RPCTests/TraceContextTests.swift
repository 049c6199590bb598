import Testing

@testable import RPC

@Suite struct TraceContextTests {
    private static let valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test func roundTrips() throws {
        let context = try #require(TraceContext(traceparent: Self.valid))
        #expect(context.traceparent == Self.valid)
        #expect(context.traceID == "4bf92f3577b34da6a3ce929d0e0e4736")
        #expect(context.isSampled)
        let child = context.child()
        #expect(child.traceID == context.traceID)
        #expect(child.parentSpanID == context.spanID)
        #expect(child.spanID != context.spanID)
        #expect(TraceContext.root().traceID != TraceContext.root().traceID)
    }

    @Test(arguments: [
        "", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x",
        " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ]) func refuses(_ header: String) {
        #expect(TraceContext(traceparent: header) == nil)
    }

    @Test func takesALaterVersionAndPassesOnlyTheKnownFlag() throws {
        let later = try #require(
            TraceContext(traceparent: "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff-more"))
        #expect(later.traceparent == Self.valid)
    }

    @Test(arguments: [
        ("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", true), ("a=1, b=2 ,,c=3", true), ("fw529a3039@dt=x", true),
        ("0tenant@v=x", true), ("a=b=c", false), ("A=1", false), ("a=", false), ("a", false), ("a=1,a=2", false),
        ("", false), ("a=\u{e9}", false), ("0a=1", false), ("a=" + String(repeating: "x", count: 256), true),
        ("a=" + String(repeating: "x", count: 257), false),
        ((0..<33).map { "k\($0)=v" }.joined(separator: ","), false),
    ]) func keepsOnlyAValidState(_ state: String, _ isKept: Bool) throws {
        let context = try #require(TraceContext(traceparent: Self.valid, tracestate: state))
        #expect(context.state == (isKept ? state : ""))
    }
}
