/* What is asked of the kernel, as far as that goes together. */
#include "capture.h"

gboolean ct_kernel_wishes_add_wakers(struct ct_kernel_wishes *wishes, gboolean is_wanted,
                                     GError **error)
{
    const char *obstacle = !wishes->sched                   ? "--kernel=off"
                           : wishes->origin == CT_FROM_PERF ? "--kernel-source=perf"
                                                            : NULL;

    wishes->wakers = is_wanted;
    if (!is_wanted || obstacle == NULL)
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "--wakers: only the kernel's BPF programs tell of these; leave %s away", obstacle);
    return FALSE;
}
