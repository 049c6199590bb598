import Contracts
import TestSupport

@testable import ScrobbleService

/// Worlds of every facet, drawn from the seed.
enum SyncSimulation {
    static let ratings = WorldShape<Int> { random in
        oneIn(5, &random) ? nil : Int.random(in: 1...10, using: &random)
    }
    static let watchlist = WorldShape<ListedValue>(letsGo: true) { random in
        oneIn(2, &random) ? nil : ListedValue()
    }
    static let collection = WorldShape<CollectedValue> { random in
        guard !oneIn(4, &random) else { return nil }
        return CollectedValue(
            CollectionDetails(
                mediaType: ["digital", "bluray", "dvd"].randomElement(using: &random),
                hdr: Bool.random(using: &random) ? "hdr10" : nil))
    }
    /// Players report it as it happens; a sync only receives, and removes nothing.
    static let progress = WorldShape<ProgressValue>(direction: .receive, deletes: false, forgets: true) { random in
        oneIn(6, &random) ? nil : ProgressValue(percent: Double.random(in: 0...100, using: &random))
    }

    private static func oneIn(_ count: Int, _ random: inout SeededRandom) -> Bool {
        Int.random(in: 0..<count, using: &random) == 0
    }

    /// Returns what is wrong with a seed's world in the end, or nil. `mutant` is the safeguard to remove.
    static func run(_ seed: UInt64, without mutant: SyncMutant? = nil) -> String? {
        func item<Value: SyncStorable>(_ shape: WorldShape<Value>) -> String? {
            var world = ItemWorld(seed: seed, shape, without: mutant)
            return world.run()
        }
        switch seed % 5 {
        case 0: return item(ratings)
        case 1: return item(watchlist)
        case 2: return item(collection)
        case 3: return item(progress)
        default:
            var world = PlayWorld(seed: seed, without: mutant)
            return world.run()
        }
    }
}

/// A safeguard of the sync that can be removed, to show that the simulated worlds need it.
enum SyncMutant: String, Sendable, CaseIterable {
    /// A recent agreement takes precedence over stale readings.
    case echo
    /// A title with a write in progress is left alone.
    case lane
    /// A partial reading proves nothing.
    case proof
    /// A list that was not read is unchanged.
    case silence
    /// A list that shrank without a reported change proves nothing.
    case explanation
    /// A title watched there leaves the list by itself.
    case excuse
    /// A title that left like this is not sent again.
    case letGo
    /// The person's decision is carried out.
    case choice
    /// A title that neither side has any more is forgotten.
    case forgetting
    /// A value that both sides have is agreed on.
    case agreeing
    /// A value that was read but not taken is read again.
    case reopening
    /// A play removed here before both sides met stays removed.
    case apart
    /// A recent play may have arrived there by another road.
    case patience
    /// Plays that a reading does not reach are not sent.
    case beginning
    /// Plays whose removal was sent are not matched again.
    case leaving

    /// Whether it guards the history, and whether it guards values of titles.
    var guards: (plays: Bool, items: Bool) {
        switch self {
        case .echo, .lane, .proof, .forgetting: (true, true)
        case .silence, .explanation, .excuse, .letGo, .choice, .agreeing, .reopening: (false, true)
        case .apart, .patience, .beginning, .leaving: (true, false)
        }
    }
}
