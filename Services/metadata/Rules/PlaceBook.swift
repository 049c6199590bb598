/// The places on a provider's line that one replica holds and has not used.
///
/// A place belongs to no caller: whoever is awake takes the earliest that is not too old. On a machine so busy that all
/// wake late, callers with places of their own would lose every one of them, and nobody would ever be asked.
package struct PlaceBook: Sendable {
    package typealias Instant = ContinuousClock.Instant

    package enum Step: Sendable, Equatable {
        /// A place is taken: call now.
        case go
        /// Look again at that time, after `wake`.
        case rest(until: Instant)
        /// No place is left for another caller.
        case empty
    }

    private var places: ArraySlice<Instant> = []
    private var sleepers = 0

    package init() {}

    /// The number of places that nobody waits for.
    package var freeCount: Int { max(0, places.count - sleepers) }

    /// Adds a place after all others.
    package mutating func append(_ place: Instant) { places.append(place) }

    /// Returns what a caller that is awake at `now` does. A place older than `lateMax` is lost, since calls must not
    /// bunch up.
    package mutating func next(at now: Instant, lateMax: Duration) -> Step {
        while let place = places.first, place < now - lateMax { places.removeFirst() }
        if let place = places.first, place <= now {
            places.removeFirst()
            return .go
        }
        guard places.count > sleepers else { return .empty }
        // Every sleeper wakes for a different place.
        defer { sleepers += 1 }
        return .rest(until: places[places.startIndex + sleepers])
    }

    /// Notes that a caller that was told to rest no longer does.
    package mutating func wake() { sleepers -= 1 }
}
