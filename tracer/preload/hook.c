#include "hook.h"

#include <dlfcn.h>

extern const struct ct_hook __start_ct_hooks[], __stop_ct_hooks[];

void ct_hook_resolve(const struct ct_hook *hook)
{
    void *real = NULL;

    if (hook->version != NULL)
        real = dlvsym(RTLD_NEXT, hook->name, hook->version);
    if (real == NULL)
        real = dlsym(RTLD_NEXT, hook->name);
    *hook->real = real;
}

void ct_hook_resolve_all(void)
{
    for (const struct ct_hook *hook = __start_ct_hooks; hook < __stop_ct_hooks; hook++)
        if (*hook->real == NULL)
            ct_hook_resolve(hook);
}
