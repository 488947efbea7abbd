#include "hook.h"

#include <dlfcn.h>
#include <stdbool.h>

extern const struct ct_hook __start_ct_hooks[], __stop_ct_hooks[];

/* Where the library begins that `function` is in. */
static const void *library_of(const void *function)
{
    Dl_info info;

    return dladdr(function, &info) != 0 ? info.dli_fbase : NULL;
}

void ct_hook_resolve(const struct ct_hook *hook)
{
    void *next = dlsym(RTLD_NEXT, hook->name);
    void *versioned = hook->version != NULL ? dlvsym(RTLD_NEXT, hook->name, hook->version) : NULL;

    /* Another library that wraps it too, as sanitizers do, knows of no versions: it has all calls.
     */
    bool is_versioned = versioned != NULL && versioned != next &&
                        library_of(next) == library_of(versioned); /* which is slow */
    *hook->real = is_versioned ? versioned : next;
}

void ct_hook_resolve_all(void)
{
    for (const struct ct_hook *hook = __start_ct_hooks; hook < __stop_ct_hooks; hook++)
        if (*hook->real == NULL)
            ct_hook_resolve(hook);
}
