#include "hook.h"

#include "object.h"

#include <dlfcn.h>
#include <stdbool.h>

extern const struct ct_hook __start_ct_hooks[], __stop_ct_hooks[];

/* dladdr would look at every symbol of the library, for the one that is nearest. */
static bool are_of_one_library(const void *function, const void *other)
{
    struct ct_object_range object = ct_object_range_around(function);

    return (uint64_t)other - object.begin < object.end - object.begin;
}

void ct_hook_resolve(const struct ct_hook *hook)
{
    void *next = dlsym(RTLD_NEXT, hook->name);
    void *versioned = hook->version != NULL ? dlvsym(RTLD_NEXT, hook->name, hook->version) : NULL;

    /* Another library that wraps it too, as sanitizers do, knows of no versions: it has all calls.
     */
    bool is_versioned =
        versioned != NULL && versioned != next && are_of_one_library(next, versioned);
    *hook->real = is_versioned ? versioned : next;
}

void ct_hook_resolve_all(void)
{
    for (const struct ct_hook *hook = __start_ct_hooks; hook < __stop_ct_hooks; hook++)
        if (*hook->real == NULL)
            ct_hook_resolve(hook);
}
