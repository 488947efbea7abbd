/*
 * Interposing a libc function: the real function behind each hook, which finds it when it is first
 * called, be it before our constructor ran or in a signal handler. After we gave up, a hook only
 * passes on.
 */
#ifndef CTRACE_PRELOAD_CORE_HOOK_H
#define CTRACE_PRELOAD_CORE_HOOK_H

#include "storage.h"
#include "symbol.h"

#include <stddef.h>

/* Where the pointers to real functions lie; nothing, in a file whose hooks every process needs. */
#ifndef CT_REAL_PLACE
#define CT_REAL_PLACE CT_SELDOM
#endif

#define CT_LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define CT_UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define CT_EXPORT              __attribute__((visibility("default")))

/*
 * `function` is the hook of libc's `name` at `version`; NULL: the version that is the default. What
 * is noted of it is code, not a table: the loader would have to put addresses into that.
 */
#define CT_REAL_BY(type, function, params, symbol, version)           \
    static CT_REAL_PLACE type(*real_##function) params;               \
    static __attribute__((noinline)) void find_real_##function(void)  \
    {                                                                 \
        *(void **)&real_##function = ct_symbol_next(symbol, version); \
    }

#define CT_REAL_OF(type, function, params, name, version) \
    CT_REAL_BY(type, function, params, #name, version)    \
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
            find_real_##name();               \
    } while (0)

/*
 * Most children of fork call the same few functions. Each child would have to find them anew, had
 * not their parent: in the file of such a hook.
 */
#define CT_FIND_AHEAD(name)         \
    void ct_find_ahead_##name(void) \
    {                               \
        CT_NEED_REAL(name);         \
    }

void ct_find_ahead_close(void);
void ct_find_ahead_dup2(void);
void ct_find_ahead_execve(void);

#endif
