/// A small random number generator for load balancing and ids; not for secrets.
struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= Self.step
        return Self.mix(state)
    }

    /// The numbers of a generator are `mix` of a counter that advances by `step`.
    static let step: UInt64 = 0x9E37_79B9_7F4A_7C15

    static func mix(_ counter: UInt64) -> UInt64 {
        var mixed = counter
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
