internal import Glibc

/// When looking is worth it: as long as what is looked for comes in time. After it did not, more and more occasions pass
/// before it is tried again. Pure: no clock.
package struct WatchRule: Sendable {
    private var skipCount = 0
    private var skipsLeft = 0
    /// Occasions in a row that pass at most.
    private static let skipsMax = 1_024

    /// With one processor nobody could send anything while we look.
    package static let hasProcessors = sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1

    package init() {}

    /// Asked at each occasion.
    package mutating func mayStart() -> Bool {
        if skipsLeft == 0 { return true }
        skipsLeft -= 1
        return false
    }

    package mutating func note(isInTime: Bool) {
        skipCount = isInTime ? skipCount / 2 : min(max(1, skipCount * 2), Self.skipsMax)
        skipsLeft = isInTime ? 0 : skipCount
    }
}
