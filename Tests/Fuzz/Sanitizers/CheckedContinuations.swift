// Goes with SwiftRuntimeForThreadSanitizer.c, which says what the runtime does out of the sanitizer's sight.
//
// `withUnsafeContinuation` is compiled into its caller, whose call of `swift_continuation_await` is the one watched
// there. Its checked sisters are functions of the runtime's library and call that one directly, past everything that is
// preloaded. So these stand before them, do the same, and await where it can be seen.

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
