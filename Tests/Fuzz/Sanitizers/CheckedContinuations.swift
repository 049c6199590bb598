// Accompanies SwiftRuntimeForThreadSanitizer.c, which describes what the runtime does unseen by the sanitizer.
//
// `withUnsafeContinuation` is compiled into its caller, whose call of `swift_continuation_await` is the one intercepted
// there. Its checked counterparts are functions in the runtime's library and call it directly, past everything that is
// preloaded. These replacements interpose them, do the same, and await where the sanitizer can see it.

@_silgen_name("$ss23withCheckedContinuation9isolation8function_xScA_pSgYi_SSyScCyxs5NeverOGXEtYalF")
public func checked<Value>(
    isolation: isolated (any Actor)?, function: String, _ body: (CheckedContinuation<Value, Never>) -> Void
) async -> sending Value {
    await withUnsafeContinuation { body(CheckedContinuation(continuation: $0, function: function)) }
}

@_silgen_name("$ss31withCheckedThrowingContinuation9isolation8function_xScA_pSgYi_SSyScCyxs5Error_pGXEtYaKlF")
public func checkedThrowing<Value>(
    isolation: isolated (any Actor)?, function: String, _ body: (CheckedContinuation<Value, any Error>) -> Void
) async throws -> sending Value {
    try await withUnsafeThrowingContinuation { body(CheckedContinuation(continuation: $0, function: function)) }
}
