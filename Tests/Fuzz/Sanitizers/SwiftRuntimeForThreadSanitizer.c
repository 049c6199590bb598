// Tells ThreadSanitizer what the Swift runtime does out of its sight. Preloaded, these functions stand before those of
// the runtime, call them, and say what they have done; without them a program of ten correct lines is reported.
//
// The fast path of Synchronization.Mutex is compiled into its caller, where the sanitizer sees the atomic operations. A
// mutex that is contended is taken and given up in libswiftSynchronization, which is not instrumented: what one thread
// did under the lock then seems to happen beside what the next one does, and every such pair is reported as a race.
//
// A continuation that is resumed after its task is suspended is known to the sanitizer, since the runtime tells of it.
// One that is resumed before its task awaits it is not: the task goes on at once, and the runtime says nothing.
// CheckedContinuations.swift brings those of checked continuations here too.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

// Of the sanitizer's runtime; absent in a process that runs without it.
__attribute__((weak)) void __tsan_acquire(void *address);
__attribute__((weak)) void __tsan_release(void *address);

#define METHOD __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *self

// Synchronization._MutexHandle._lockSlow(UInt32), ._tryLockSlow() and ._unlockSlow()
#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY_LOCK_SLOW "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

// The function of the library. Two threads that look it up at once store the same.
static void *next(void **found, const char *name) {
    void *function = __atomic_load_n(found, __ATOMIC_ACQUIRE);
    if (!function) {
        function = dlsym(RTLD_NEXT, name);
        if (!function) abort();
        __atomic_store_n(found, function, __ATOMIC_RELEASE);
    }
    return function;
}

METHOD void lockSlow(uint32_t thread, SELF) __asm__(LOCK_SLOW);
METHOD void lockSlow(uint32_t thread, SELF) {
    static void *found;
    METHOD void (*call)(uint32_t, SELF) = next(&found, LOCK_SLOW);
    call(thread, self);
    if (__tsan_acquire) __tsan_acquire(self);
}

METHOD bool tryLockSlow(SELF) __asm__(TRY_LOCK_SLOW);
METHOD bool tryLockSlow(SELF) {
    static void *found;
    METHOD bool (*call)(SELF) = next(&found, TRY_LOCK_SLOW);
    bool isLocked = call(self);
    if (isLocked && __tsan_acquire) __tsan_acquire(self);
    return isLocked;
}

METHOD void unlockSlow(SELF) __asm__(UNLOCK_SLOW);
METHOD void unlockSlow(SELF) {
    static void *found;
    METHOD void (*call)(SELF) = next(&found, UNLOCK_SLOW);
    if (__tsan_release) __tsan_release(self);
    call(self);
}

// The beginning of the runtime's AsyncContext: who waits, and where that goes on.
struct Context;
#define CONTEXT __attribute__((swift_async_context)) struct Context *context
typedef __attribute__((swiftasynccall)) void Resume(CONTEXT);
struct Context {
    struct Context *parent;
    Resume *resumeParent;
};

// Of the runtime: the running task, whose address is what a resumption is announced under.
METHOD void *swift_task_getCurrent(void);

// What this thread awaits. A task that need not be suspended goes on from within swift_continuation_await, through the
// context; one that was suspended goes on through its task and never comes here.
static _Thread_local struct Context *awaited;
static _Thread_local Resume *awaitedResume;

static __attribute__((swiftasynccall)) void goOn(CONTEXT) {
    if (context != awaited) abort();
    context->resumeParent = awaitedResume;
    if (__tsan_acquire) __tsan_acquire(swift_task_getCurrent());
    __attribute__((musttail)) return awaitedResume(context);
}

__attribute__((swiftasynccall)) void swift_continuation_await(struct Context *context) {
    static void *found;
    __attribute__((swiftasynccall)) void (*call)(struct Context *) = next(&found, "swift_continuation_await");
    awaited = context;
    awaitedResume = context->resumeParent;
    context->resumeParent = goOn;
    __attribute__((musttail)) return call(context);
}
