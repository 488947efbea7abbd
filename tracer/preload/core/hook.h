/*
 * Interposing a libc function: the real function behind each hook, and the row that wraps a
 * blocking call. A hook works before our constructor ran (it finds its real function itself) and
 * after we gave up (it only passes on).
 */
#ifndef CTRACE_PRELOAD_CORE_HOOK_H
#define CTRACE_PRELOAD_CORE_HOOK_H

#include "preload/wait/pair.h"
#include "preload/wait/wait.h"

#define CT_LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define CT_UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define CT_EXPORT              __attribute__((visibility("default")))

/* A function that is interposed; all of them are collected in one section. */
struct ct_hook {
    const char *name;
    const char *version; /* symbol version to ask for first, or NULL */
    void **real;
};

/* Finds the real function, NULL if libc has none. Safe at any time. */
void ct_hook_resolve(const struct ct_hook *hook);

/* Finds them all, so that no hook has to inside a signal handler. */
void ct_hook_resolve_all(void);

/* `function` is the hook of libc's `name` at `version`; NULL: the version that is the default. */
#define CT_REAL_OF(type, function, params, name, version)                                     \
    static type(*real_##function) params;                                                     \
    static const struct ct_hook hook_##function                                               \
        __attribute__((section("ct_hooks"), used, aligned(8))) = {#name, version,             \
                                                                  (void **)&real_##function}; \
    CT_EXPORT type function params;

/* Where libc has several versions; versions.map gives the hook this one, too. */
#define CT_REAL_VERSION(type, name, params, version) CT_REAL_OF(type, name, params, name, version)

/*
 * A version that is not the default. A program that was linked to it goes on with it: what it
 * does, or the size of what it works on, is another.
 */
#define CT_REAL_OLD(type, function, params, name, version) \
    CT_REAL_OF(type, function, params, name, version)      \
    __asm__(".symver " #function ", " #name "@" version ", remove"); /* no name else */

/* The architectures on which glibc has had one version only have no use for versions. */
#if defined(__x86_64__)
#define CT_HAS_OLD_VERSIONS 1
#else
#define CT_HAS_OLD_VERSIONS 0
#endif

#define CT_REAL(type, name, params) CT_REAL_OF(type, name, params, name, NULL)

/* To stand first in every hook. */
#define CT_NEED_REAL(name)                    \
    do {                                      \
        if (CT_UNLIKELY(real_##name == NULL)) \
            ct_hook_resolve(&hook_##name);    \
    } while (0)

/*
 * A hook that times a call which may block. `may_wait`, `class` and `object` may be expressions of
 * the parameters; `outcome` is one of `result`: what was returned, or the negative errno. `pass` is
 * what a call that is not recorded gives: a call that cannot wait never is.
 */
#define CT_TIMED(type, function, name, params, args, op, may_wait, class, object, outcome, pass) \
    type function params                                                                         \
    {                                                                                            \
        struct ct_wait wait;                                                                     \
        CT_NEED_REAL(name);                                                                      \
        if (!(may_wait) || !ct_wait_begin(&wait, (op), __builtin_return_address(0)))             \
            return pass;                                                                         \
        ct_wait_subject(&wait, (class), (uint64_t)(object));                                     \
        type result = real_##name args;                                                          \
        ct_wait_end(&wait, (outcome));                                                           \
        return result;                                                                           \
    }

#define CT_WRAP_PASS(type, name, params, args, op, may_wait, class, object, outcome, pass) \
    CT_REAL(type, name, params)                                                            \
    CT_TIMED(type, name, name, params, args, op, may_wait, class, object, outcome, pass)

/* The same for a write to descriptor `fd`, which may let a reader of the same process go. */
#define CT_WRAP_WRITER(type, name, params, args, op, may_wait, class, pass)                     \
    CT_REAL(type, name, params)                                                                 \
    static inline __attribute__((always_inline))                                                \
    CT_TIMED(type, timed_##name, name, params, args, op, may_wait, class, fd, CT_ERRNO_OUTCOME, \
             pass) type name params                                                             \
    {                                                                                           \
        struct ct_pair_wake wake = ct_pair_begin(fd);                                           \
        type result = timed_##name args;                                                        \
        ct_pair_end(&wake, op, result, __builtin_return_address(0));                            \
        return result;                                                                          \
    }

#define CT_WRAP_OUTCOME(type, name, params, args, op, class, object, outcome) \
    CT_WRAP_PASS(type, name, params, args, op, true, class, object, outcome, real_##name args)

/* What a call that fails with -1 and errno comes to. */
#define CT_ERRNO_OUTCOME (result < 0 ? -errno : (int64_t)result)

/* One that fails with -1 and errno. */
#define CT_WRAP(type, name, params, args, op, class, object) \
    CT_WRAP_OUTCOME(type, name, params, args, op, class, object, CT_ERRNO_OUTCOME)

/* The same, for calls of which some cannot wait. */
#define CT_WRAP_IF(type, name, params, args, op, may_wait, class, object)                 \
    CT_WRAP_PASS(type, name, params, args, op, may_wait, class, object, CT_ERRNO_OUTCOME, \
                 real_##name args)

/* One that returns an error number. */
#define CT_WRAP_PTHREAD(name, params, args, op, class, object) \
    CT_WRAP_OUTCOME(int, name, params, args, op, class, object, -(int64_t)result)

#endif
