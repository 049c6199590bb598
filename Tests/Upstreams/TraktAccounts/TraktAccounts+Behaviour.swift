extension TraktAccounts {
    /// How the accounts behave; set by tests.
    package struct Behaviour: Sendable {
        /// The least time between two writes of one account, in milliseconds; 0 for none.
        package var writeMilliseconds = 1_000
        /// How long a repeated scrobble of an item is refused (409), in seconds; 0 for never.
        package var repeatSeconds = 0
        /// The percentages of writes that are performed and answered with 504, not performed and answered with 502, and
        /// refused with 429.
        package var lostReplyPercent = 0
        package var lostRequestPercent = 0
        package var busyPercent = 0
        /// The percentage of lost requests and replies that end with a closed connection instead of a page.
        package var closedPercent = 0
        /// Every n-th lost request or reply ends without an answer for `silenceMilliseconds`; 0 for none.
        package var silentEvery = 0
        package var silenceMilliseconds = 30_000
        /// The seed from which the random sequence restarts.
        package var seed: UInt64?
        /// How far readings lag behind writes, in seconds.
        package var lagSeconds = 0.0
        /// The largest number of items in a list of an account.
        package var shelfMax = 1_000
        /// The largest number of plays of an account.
        package var playsMax = Int.max
        /// The largest number of rows in a page, whatever is asked for.
        package var pageMax = 250
        /// Whether account settings are refused (503).
        package var hidesSettings = false

        package init() {}
    }

    /// Accepts writes at any rate, and otherwise behaves as set by `change`.
    package func behaveQuickly(_ change: (inout Behaviour) -> Void = { _ in }) {
        var behaviour = Behaviour()
        behaviour.writeMilliseconds = 0
        change(&behaviour)
        behave(behaviour)
    }
}
