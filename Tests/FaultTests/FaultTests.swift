import Testing

/// What must hold while something fails; one after the other, because they measure times and shares.
@Suite(.serialized)
enum FaultTests {}
