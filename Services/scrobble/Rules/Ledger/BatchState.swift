package import Contracts

/// The state of a batch.
///
///     planned ──▶ applying ──▶ applied ──▶ undoing ──▶ undone
///        │            └─────────────────────▶ ▲           ▲
///        └────────────────────────────────────────────────┘
///
/// applying and undoing continue after a crash. undone: taken back, except for what was edited since.
extension BatchState {
    package func canBecome(_ next: BatchState) -> Bool {
        switch (self, next) {
        case (.planned, .applying), (.planned, .undone), (.applying, .applied), (.applying, .undoing),
            (.applied, .undoing), (.undoing, .undone):
            true
        default: false
        }
    }

    /// The states from which this one can be reached.
    var before: [BatchState] { Self.allCases.filter { $0.canBecome(self) } }
}
