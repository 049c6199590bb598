import Contracts
import TestSupport
import Testing

@testable import ScrobbleService

/// What an event from a media server does to a sitting, without a database.
@Suite struct SittingMoveTests {
    private static let start = Timestamp(clampingMicrosecondsSinceEpoch: 1_790_000_000_000_000)
    private static let item = MediaItem(kind: .movie, key: "1", name: "x")

    private static func at(_ seconds: Int) -> Timestamp { start.advanced(by: .seconds(seconds)) }

    private static func word(
        _ kind: MediaEvent.Kind, at second: Int = 600, heard: Int? = nil, percent: Double? = nil, paused: Bool? = nil,
        completed: Bool = false
    ) -> PlayerWord {
        let event = MediaEvent(
            kind: kind, item: item, position: percent.map { .milliseconds(Int64($0 * 60_000)) },
            length: .seconds(6_000),
            isPaused: paused, isCompleted: completed, at: at(second))
        return PlayerWord(event, receivedAt: at(heard ?? second), heardAt: at(heard ?? second), runtime: nil)
    }

    private static func open(_ state: PlaybackState, _ percent: Double = 10, at second: Int = 0) -> OpenSitting {
        OpenSitting(state: state, progressPercent: percent, updatedAt: at(second))
    }

    @Test("The table of words and sittings")
    func table() {
        let cases: [(PlayerWord, OpenSitting?, SittingMove)] = [
            (Self.word(.play), nil, .begin(progressPercent: 0, isTold: true)),
            (Self.word(.play, percent: 40), nil, .begin(progressPercent: 40, isTold: true)),
            (Self.word(.play, percent: 40), Self.open(.paused), .begin(progressPercent: 40, isTold: true)),
            (Self.word(.resume), Self.open(.paused, 33), .begin(progressPercent: 33, isTold: true)),
            (Self.word(.resume), Self.open(.playing, 33), .begin(progressPercent: 33, isTold: false)),
            (Self.word(.pause, percent: 50), Self.open(.playing), .pause(progressPercent: 50)),
            (Self.word(.pause), nil, .pause(progressPercent: 0)),
            (Self.word(.progress, percent: 12, paused: false), Self.open(.playing), .advance(progressPercent: 12)),
            (Self.word(.progress, percent: 12, paused: true), Self.open(.playing), .pause(progressPercent: 12)),
            (Self.word(.progress, percent: 12, paused: true), Self.open(.paused), .advance(progressPercent: 12)),
            (
                Self.word(.progress, percent: 12, paused: false), Self.open(.paused),
                .begin(progressPercent: 12, isTold: true)
            ),
            (Self.word(.progress, percent: 12), nil, .begin(progressPercent: 12, isTold: true)),
            // First heard of while paused.
            (Self.word(.progress, percent: 12, paused: true), nil, .pause(progressPercent: 12)),
            (Self.word(.progress, paused: true), nil, .pause(progressPercent: 0)),
            (Self.word(.seek, percent: 70), Self.open(.playing), .advance(progressPercent: 70)),
            (Self.word(.stop, percent: 95), Self.open(.playing), .end(progressPercent: 95)),
            (Self.word(.stop, percent: 95), nil, .log(progressPercent: 95)),
            (Self.word(.stop, percent: 30), Self.open(.playing, at: 1_200), .log(progressPercent: 30)),
            (Self.word(.stop, percent: 30), Self.open(.playing, at: 630), .end(progressPercent: 30)),
            // Ten minutes of a hundred have passed since 10 percent.
            (Self.word(.stop), Self.open(.playing), .end(progressPercent: 20)),
            (Self.word(.stop), Self.open(.paused), .end(progressPercent: 10)),
            (Self.word(.stop, percent: 3, completed: true), Self.open(.playing), .end(progressPercent: 90)),
            (Self.word(.scrobble), Self.open(.playing, 70), .count(progressPercent: 90)),
            (Self.word(.scrobble, percent: 93), Self.open(.playing, 70), .count(progressPercent: 93)),
            (Self.word(.scrobble), nil, .log(progressPercent: 90)),
            (Self.word(.markPlayed), nil, .log(progressPercent: nil)),
            (Self.word(.markUnplayed), nil, .unlog),
            // More than five minutes old.
            (Self.word(.play, heard: 901), nil, .nothing("too long ago")),
            (Self.word(.pause, heard: 901), Self.open(.playing), .nothing("too long ago")),
            (Self.word(.stop, heard: 901, percent: 95), nil, .log(progressPercent: 95)),
            (Self.word(.stop, heard: 901, percent: 95), Self.open(.playing), .end(progressPercent: 95)),
            (Self.word(.scrobble, heard: 90_000), nil, .log(progressPercent: 90)),
            // Events that arrive out of order.
            (Self.word(.pause, at: 600), Self.open(.playing, 10, at: 601), .nothing("superseded by a later event")),
        ]
        for (word, open, move) in cases {
            #expect(
                SittingMove.of(word, open) == move,
                "\(word.kind) at \(word.progressPercent ?? -1) met \(String(describing: open))")
        }
    }

    @Test("Whoever plays before the middle of what was counted has begun anew; whoever goes back a little has not")
    func anew() {
        func counted(_ percent: Double?) -> OpenSitting {
            OpenSitting(state: .playing, progressPercent: 92, updatedAt: Self.at(0), countedPercent: percent)
        }
        let again = SittingMove.begin(progressPercent: 12, isTold: true)
        for kind in [MediaEvent.Kind.play, .resume, .progress, .seek] {
            #expect(SittingMove.of(Self.word(kind, percent: 12), counted(90)) == again, "\(kind)")
        }
        let advance = SittingMove.advance(progressPercent: 60)
        #expect(SittingMove.of(Self.word(.progress, percent: 60), counted(90)) == advance)
        #expect(SittingMove.of(Self.word(.progress, percent: 12), counted(nil)) == .advance(progressPercent: 12))
        // With a threshold of 20 percent: what was counted at that point continues.
        #expect(SittingMove.of(Self.word(.progress, percent: 21), counted(20)) == .advance(progressPercent: 21))
        #expect(
            SittingMove.of(Self.word(.progress, percent: 12, paused: true), counted(90)) == .pause(progressPercent: 12))
    }

    @Test("What its stop has overtaken on the way opens no sitting; what comes after the stop does")
    func overtaken() {
        for kind in [MediaEvent.Kind.play, .resume, .pause, .progress, .seek] {
            let move = SittingMove.of(Self.word(kind, percent: 40), nil, lastEnd: Self.at(601))
            #expect(move == .nothing("superseded by a later event"), "\(kind)")
            #expect(
                SittingMove.of(Self.word(kind, percent: 40), nil, lastEnd: Self.at(600))
                    == SittingMove.of(Self.word(kind, percent: 40), nil), "\(kind)")
        }
        #expect(
            SittingMove.of(Self.word(.stop, percent: 95), nil, lastEnd: Self.at(900)) == .log(progressPercent: 95))
    }

    @Test("A clock that runs ahead is not believed, one that is behind is")
    func clocks() {
        let ahead = PlayerWord(
            MediaEvent(kind: .play, item: Self.item, at: Self.at(4_000)), receivedAt: Self.at(0), heardAt: Self.at(0),
            runtime: nil)
        #expect(ahead.at == Self.at(0))
        let behind = PlayerWord(
            MediaEvent(kind: .play, item: Self.item, at: Self.at(-200)), receivedAt: Self.at(0), heardAt: Self.at(0),
            runtime: nil)
        #expect(behind.at == Self.at(-200) && !behind.isLate)
    }

    @Test("Whatever comes, a place lies between nothing and all, and only an end or a completion makes a play")
    func bounds() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededRandom(seed: seed)
        for _ in 0..<20_000 {
            let kind = MediaEvent.Kind.allCases[Int(random.next() % UInt64(MediaEvent.Kind.allCases.count))]
            let second = Int(random.next() % 20_000)
            let word = Self.word(
                kind, at: second, heard: second + Int(random.next() % 1_000),
                percent: random.next() % 3 == 0 ? nil : Double(random.next() % 2_000) / 10,
                paused: [nil, true, false][Int(random.next() % 3)], completed: random.next() % 4 == 0)
            let states = [nil, Self.open(.playing, 50, at: 5_000), Self.open(.paused, 99, at: 15_000)]
            let move = SittingMove.of(word, states[Int(random.next() % 3)])
            switch move {
            case .begin(let place, _): #expect((0...100).contains(place), "seed \(seed)")
            case .count(let place), .end(let place):
                #expect((0...100).contains(place), "seed \(seed)")
                #expect(kind == .stop || kind == .scrobble, "seed \(seed)")
            case .log(let place):
                #expect((0...100).contains(place ?? 0), "seed \(seed)")
                #expect([.stop, .scrobble, .markPlayed].contains(kind), "seed \(seed)")
            case .pause(let place), .advance(let place): #expect((0...100).contains(place ?? 0), "seed \(seed)")
            case .unlog: #expect(kind == .markUnplayed, "seed \(seed)")
            case .nothing: break
            }
        }
    }
}
