import Testing

/// What must hold during failures; run one after the other, because the tests measure times and shares.
@Suite(.serialized)
enum FaultTests {}
