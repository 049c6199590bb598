package import Contracts

/// Where a batch stands.
///
///     planned ──▶ applying ──▶ applied ──▶ undoing ──▶ undone
///        │            └─────────────────────▶ ▲           ▲
///        └────────────────────────────────────────────────┘
///
/// applying and undoing go on after a crash. undone: taken back, as far as nobody edited it since.
extension BatchState {
    package func canBecome(_ next: BatchState) -> Bool {
        switch (self, next) {
        case (.planned, .applying), (.planned, .undone), (.applying, .applied), (.applying, .undoing),
            (.applied, .undoing), (.undoing, .undone):
            true
        default: false
        }
    }

    /// The states from which this one is reached.
    var before: [BatchState] { Self.allCases.filter { $0.canBecome(self) } }
}
