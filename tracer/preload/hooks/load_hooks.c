/*
 * Unloading libraries. Loading them is not interposed: the loader goes by who calls dlopen.
 */
#include "preload/core/emit.h"
#include "preload/core/work_stack.h"
#include "preload/stack/loader.h"
#include "preload/stack/modules.h"
#include "wrap.h"

#include <dlfcn.h>
#include <errno.h>

static void update_modules(void *argument)
{
    (void)argument;
    ct_modules_update();
}

/* Finds out what is gone since that generation. */
static void note_unloaded(struct ct_self *self, uint32_t generation)
{
    enum ct_mode mode = self->mode;

    if (!ct_process_is_own()) { /* a child that has no board yet, maybe */
        atomic_fetch_add(&ct_unloads, CT_UNLOAD);
        atomic_store(&ct_modules_are_behind, true);
        return;
    }
    self->mode = CT_MODE_BUSY;
    if (mode == CT_MODE_BUSY || !ct_with_room(self, update_modules, NULL))
        atomic_store(&ct_modules_are_behind, true);
    if (generation != ct_modules_generation() && mode == CT_MODE_TRACED) {
        struct ct_event_unload event = {.generation = ct_modules_generation()};

        ct_emit_unload(self, ct_ticks(), &event);
    }
    self->mode = mode;
}

CT_REAL(int, dlclose, (void *handle))

int dlclose(void *handle)
{
    uint32_t generation = ct_modules_generation();
    int saved_errno = errno;

    CT_NEED_REAL(dlclose);
    ct_loader_begin_unload();
    errno = saved_errno;
    int result = real_dlclose(handle);
    saved_errno = errno;
    note_unloaded(&ct_self, generation);
    ct_loader_end_unload();
    errno = saved_errno;
    return result;
}
