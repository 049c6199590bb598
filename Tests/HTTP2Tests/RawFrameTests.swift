import HTTP2
import NIOPosix
import Testing

@Suite struct RawFrameTests {
    @Test(arguments: ConnectionCases.all + StreamCases.all + AbuseCases.all)
    func serverAnswers(_ testCase: RawFrameCase) async throws {
        let handlers = TestHandlers()
        let server = try await H2Server.start(
            on: [H2Address(host: "127.0.0.1", port: 0)], limits: testCase.limits,
            group: MultiThreadedEventLoopGroup.singleton,
            handler: handlers.answer)
        let outcome = try await RawConnection.play(testCase, port: server.boundPort)
        handlers.releaseAll()
        await server.shutdown(grace: .zero)
        #expect(outcome.isMet, "\(testCase.name): \(outcome)")
        #expect(server.connectionCount == 0)
    }
}
