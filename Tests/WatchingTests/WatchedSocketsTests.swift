import Glibc
import Testing
import Watching

@Suite struct WatchedSocketsTests {
    /// Two connected sockets, closed at the end.
    private func withPair(_ body: (Int32, Int32) -> Void) {
        var pair: [Int32] = [-1, -1]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
        body(pair[0], pair[1])
        close(pair[0])
        close(pair[1])
    }

    @Test func seesWhatCanBeRead() {
        withPair { near, far in
            withPair { silent, _ in
                var sockets = WatchedSockets([silent, near])
                let seen = sockets.look(for: .microseconds(1))
                #expect(!seen)
                var byte: UInt8 = 7
                #expect(write(far, &byte, 1) == 1)
                let seen2 = sockets.look(for: .seconds(60))
                #expect(seen2)
                // Looking takes nothing away.
                #expect(read(near, &byte, 1) == 1)
                let seen3 = sockets.look(for: .microseconds(1))
                #expect(!seen3)
            }
        }
    }

    @Test func seesTheEnd() {
        withPair { near, far in
            var sockets = WatchedSockets([near])
            #expect(shutdown(far, Int32(SHUT_RDWR)) == 0)
            let seen4 = sockets.look(for: .seconds(60))
            #expect(seen4)
        }
    }

    @Test func leavesOutWhatWasRemoved() {
        withPair { near, far in
            var sockets = WatchedSockets()
            sockets.add(near)
            sockets.add(far)
            var byte: UInt8 = 7
            #expect(write(far, &byte, 1) == 1)
            sockets.remove(near)
            #expect(sockets.count == 1)
            let seen5 = sockets.look(for: .microseconds(1))
            #expect(!seen5)
        }
    }
}
