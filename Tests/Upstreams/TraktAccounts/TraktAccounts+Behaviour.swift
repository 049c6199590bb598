extension TraktAccounts {
    /// How the accounts behave; tests set it.
    package struct Behaviour: Sendable {
        /// The least time between two writes of one account, in milliseconds; 0 for none.
        package var writeMilliseconds = 1_000
        /// A scrobble of an item that was scrobbled this recently is refused (409), in seconds; 0 never.
        package var repeatSeconds = 0
        /// Of 100 writes, how many are done and then answered with 504, not done and answered with 502, refused with 429.
        package var lostReplyPercent = 0
        package var lostRequestPercent = 0
        package var busyPercent = 0
        /// Of 100 lost requests and replies, how many end with a closed connection instead of a page.
        package var closedPercent = 0
        /// Every so manieth of them ends with nothing at all for `silenceMilliseconds`; 0: none.
        package var silentEvery = 0
        package var silenceMilliseconds = 30_000
        /// Where luck begins anew.
        package var seed: UInt64?
        /// How far readings lag behind writes, in seconds.
        package var lagSeconds = 0.0
        /// Items of a list that an account may have.
        package var shelfMax = 1_000
        /// Plays that an account may have.
        package var playsMax = Int.max
        /// Rows of a page, however many are asked for.
        package var pageMax = 250
        /// Nobody is told whose account it is (503).
        package var hidesSettings = false

        package init() {}
    }

    /// Takes writes as fast as they come, and otherwise behaves as `change` says.
    package func behaveQuickly(_ change: (inout Behaviour) -> Void = { _ in }) {
        var behaviour = Behaviour()
        behaviour.writeMilliseconds = 0
        change(&behaviour)
        behave(behaviour)
    }
}
