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

    /// What is wrong with a seed's world in the end; nil where nothing is.
    static func run(_ seed: UInt64) -> String? {
        func item<Value: SyncStorable>(_ shape: WorldShape<Value>) -> String? {
            var world = ItemWorld(seed: seed, shape)
            return world.run()
        }
        switch seed % 5 {
        case 0: return item(ratings)
        case 1: return item(watchlist)
        case 2: return item(collection)
        case 3: return item(progress)
        default:
            var world = PlayWorld(seed: seed)
            return world.run()
        }
    }
}
