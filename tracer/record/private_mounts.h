/* A view of the file system of our own, in which one directory is empty. */
#ifndef CTRACE_RECORD_PRIVATE_MOUNTS_H
#define CTRACE_RECORD_PRIVATE_MOUNTS_H

#include <glib.h>

/* Where we came from; descriptors, or -1: we are there. */
struct ct_private_mounts {
    int namespace_fd;
    int root_fd;
    int folder_fd;
};

#define CT_NO_PRIVATE_MOUNTS                               \
    {                                                      \
        .namespace_fd = -1, .root_fd = -1, .folder_fd = -1 \
    }

/*
 * From now on `directory` is an empty one for this process and what it starts, but nobody else;
 * all the rest is as it was. It takes CAP_SYS_ADMIN. Before any thread.
 */
gboolean ct_private_mounts_enter(struct ct_private_mounts *mounts, const char *directory,
                                 GError **error);

/* In a child that is to execute a program: it is where we came from. FALSE and errno. */
gboolean ct_private_mounts_leave(const struct ct_private_mounts *mounts);

#endif
