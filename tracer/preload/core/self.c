#include "self.h"

#include <errno.h>
#include <stddef.h>

CT_TLS struct ct_self ct_self;

bool (*ct_self_make_board)(void);

static void (*begin_thread)(struct ct_self *self);

void ct_self_set_begin(void (*begin)(struct ct_self *self))
{
    begin_thread = begin;
}

struct ct_self *ct_self_attach(struct ct_self *self)
{
    int saved_errno = errno;

    if (ct_self_settle())
        return self->mode == CT_MODE_TRACED ? self : NULL;
    if (!*ct_is_ours) {
        if (!ct_process_is_over())
            ct_board = NULL; /* it runs untraced */
        return NULL;
    }
    if (self->mode != CT_MODE_NEW || ct_board == NULL ||
        !atomic_load_explicit(&ct_control->is_recording, memory_order_relaxed))
        return NULL;
    begin_thread(self);
    errno = saved_errno;
    return self->mode == CT_MODE_TRACED ? self : NULL;
}
