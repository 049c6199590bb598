import Contracts
import JSON
import Testing

@testable import GatewayService

/// A single listener, without a network.
@Suite struct EventListenerTests {
    private static func event(_ number: Int) -> FeedEvent {
        FeedEvent(
            place: "7-\(number)", user: UserID(UUIDBits(high: 1, low: 1)), kind: "playback",
            event: Event(at: Timestamp(clampingMicrosecondsSinceEpoch: 0)))
    }

    private static func place(_ next: EventListener.Next) -> String {
        switch next {
        case .event(let event):
            String(decoding: event.text.dropFirst(4).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        case .ended(let ending): ending.rawValue
        case .silence: "silence"
        }
    }

    @Test("Events come in their order, and whoever reads too slowly is dropped at the bound")
    func bound() async {
        let listener = EventListener(bufferedMax: 3)
        for number in 1...3 { listener.push(ReadyEvent(Self.event(number))) }
        for number in 1...3 { #expect(Self.place(await listener.next(until: .now)) == "7-\(number)") }
        #expect(Self.place(await listener.next(until: .now)) == "silence")
        for number in 4...7 { listener.push(ReadyEvent(Self.event(number))) }
        // The client fetches the rest when it reconnects; sending half of it would leave a gap.
        #expect(Self.place(await listener.next(until: .now + .seconds(30))) == "dropped")
        listener.end(.bye)
        #expect(Self.place(await listener.next(until: .now)) == "dropped")
    }

    @Test("Without room only the end is told, and whoever may not listen any more gets nothing of what waits")
    func room() {
        let listener = EventListener(bufferedMax: 3)
        listener.push(ReadyEvent(Self.event(1)))
        listener.end(.bye)
        #expect(listener.take(room: false).map(Self.place) == nil)
        #expect(listener.take().map(Self.place) == "7-1")
        #expect(listener.take(room: false).map(Self.place) == "bye")
        let other = EventListener(bufferedMax: 3)
        other.push(ReadyEvent(Self.event(1)))
        other.end(.bye, isAtOnce: true)
        #expect(other.take(room: false).map(Self.place) == "bye")
    }

    @Test("Who waits is woken by an event and by the end, in whichever order they come", arguments: 0..<20)
    func waking(round: Int) async {
        let listener = EventListener(bufferedMax: 3)
        async let first = listener.next(until: .now + .seconds(30))
        if round % 2 == 0 { await Task.yield() }
        listener.push(ReadyEvent(Self.event(1)))
        #expect(Self.place(await first) == "7-1")
        async let second = listener.next(until: .now + .seconds(30))
        listener.end(.bye)
        #expect(Self.place(await second) == "bye")
    }

    @Test("Who waits is told that it is silent when its time is over, and not before")
    func silence() async throws {
        let listener = EventListener(bufferedMax: 3)
        let begun = ContinuousClock.now
        let end = begun + .milliseconds(200)
        async let next = listener.next(until: end)
        while ContinuousClock.now < end + .milliseconds(50) {
            listener.expire(at: .now)
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(Self.place(await next) == "silence")
        #expect(begun.duration(to: .now) >= .milliseconds(200))
        async let cancelled = listener.next(until: .now + .seconds(30))
        listener.push(ReadyEvent(Self.event(2)))
        #expect(Self.place(await cancelled) == "7-2", "the end of one wait is not that of the next")
    }

    @Test("What a stream writes is what browsers read, whatever the event holds")
    func text() {
        var event = Self.event(9)
        event.event.history = HistoryEvent(happened: .added, count: 2)
        let text = String(decoding: EventText.event(event), as: UTF8.self)
        #expect(text.hasPrefix("id: 7-9\nevent: playback\ndata: {"))
        #expect(text.hasSuffix("}\n\n"))
        #expect(text.split(separator: "\n").count == 3, "data is one line")
        #expect(String(decoding: EventText.word("bye"), as: UTF8.self) == "event: bye\ndata: {}\n\n")
        #expect(String(decoding: EventText.place("7-9"), as: UTF8.self) == "id: 7-9\n\n")
        let beginnings = [nil, "7-9"].map { String(decoding: EventText.beginning(at: $0), as: UTF8.self) }
        #expect(beginnings == ["retry: 2000\n: welcome\n\n", "retry: 2000\nid: 7-9\n: welcome\n\n"])
    }

    @Test("Places are numbers, not texts")
    func places() throws {
        let places = try ["9-9", "10-1", "10-11", "10-100", "9999999999999999999-0"].map {
            try #require(EventPosition($0))
        }
        #expect(places == places.sorted())
        for text in ["", "1", "-", "1-", "a-1", "1-2-3", "+1-1", "10000000000000000000-1"] {
            #expect(EventPosition(text) == nil, "\(text)")
        }
    }
}
