package struct H2Limits: Sendable {}
