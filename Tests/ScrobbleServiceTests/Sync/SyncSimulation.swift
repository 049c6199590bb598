import Contracts
import TestSupport

@testable import ScrobbleService

/// A world of every facet, drawn by the seed.
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
    /// Players tell it as it happens; a sync only listens, and takes nothing away.
    static let progress = WorldShape<ProgressValue>(direction: .receive, deletes: false, forgets: true) { random in
        oneIn(6, &random) ? nil : ProgressValue(percent: Double.random(in: 0...100, using: &random))
    }

    private static func oneIn(_ count: Int, _ random: inout SeededRandom) -> Bool {
        Int.random(in: 0..<count, using: &random) == 0
    }

    /// What is wrong with a seed's world in the end; nil where nothing is. `mutant`: the safeguard that is missing in it.
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

/// A safeguard of the sync that can be taken away, to show that the simulated worlds miss it.
enum SyncMutant: String, Sendable, CaseIterable {
    /// What was agreed on a moment ago is held against late readings.
    case echo
    /// What has a write under way is left alone.
    case lane
    /// What was read in part proves nothing.
    case proof
    /// A list that was not read is as it was.
    case silence
    /// A list that shrank though nothing happened there proves nothing.
    case explanation
    /// What is watched there leaves the list by itself.
    case excuse
    /// And what has left so is not sent again.
    case letGo
    /// What its person decided is done.
    case choice
    /// What neither side has any more is forgotten.
    case forgetting
    /// What both sides have is agreed on.
    case agreeing
    /// What was read and not taken is read again.
    case reopening
    /// What was taken out here before both sides met stays there.
    case apart
    /// What came just now may have gone there by another road.
    case patience
    /// What a reading does not reach is not told.
    case beginning
    /// What they were told to take out is not met again.
    case leaving

    /// Whether it guards the history, and values of titles.
    var guards: (plays: Bool, items: Bool) {
        switch self {
        case .echo, .lane, .proof, .forgetting: (true, true)
        case .silence, .explanation, .excuse, .letGo, .choice, .agreeing, .reopening: (false, true)
        case .apart, .patience, .beginning, .leaving: (true, false)
        }
    }
}
