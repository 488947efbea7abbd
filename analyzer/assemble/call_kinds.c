#include "assemble/call_kinds.h"

/* The class of a wait on its descriptor; of several that are not known: for something, or only for
 * time. */
static enum ct_class fd_class(const struct ct_process *process,
                              const struct ct_kernel_syscall *made)
{
    const struct ct_fd *fd =
        g_hash_table_lookup(process->fds, GINT_TO_POINTER((int32_t)made->arguments[0]));
    uint64_t count;

    if (ct_call_is_of_set(made, &count))
        return count > 0 ? CT_CLASS_NET : CT_CLASS_SLEEP;
    if (ct_call_subject(made) == CT_SUBJECT_EPOLL)
        return fd && fd->watched_classes ? ct_class_of_set(fd->watched_classes) : CT_CLASS_NET;
    return ct_fd_kind_class(fd ? fd->kind : CT_FD_KIND_UNKNOWN);
}

enum ct_class ct_call_class(const struct ct_process *process, const struct ct_kernel_syscall *made)
{
    enum ct_class class = ct_op_class(ct_call_op(made));

    return class == CT_CLASS_UNKNOWN ? fd_class(process, made) : class;
}
