/*
 * Interposing a libc function: the real function behind each hook. A hook works before our
 * constructor ran (it finds its real function itself) and after we gave up (it only passes on).
 */
#ifndef CTRACE_PRELOAD_CORE_HOOK_H
#define CTRACE_PRELOAD_CORE_HOOK_H

#include <stddef.h>

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

#endif
