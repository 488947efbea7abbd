#include "fds.h"

#include "system/descriptors.h"

#include <string.h>

/* More than a program waits for by one call after the other; beyond that all are looked up anew. */
#define KNOWN_MAX 1024

/* Of those that are watched, so many are looked at. */
#define WATCHED_MAX 32

#define WATCHED_FOR_NS UINT64_C(5000000000)

struct known_fd {
    char *target; /* owned; NULL: it is not open, or not ours to see */
    enum ct_fd_kind kind;
    enum ct_class watched; /* of an epoll descriptor */
    uint64_t watched_ns;   /* as it was then; 0: it was not asked for */
};

struct ct_account_fds {
    pid_t pid;
    GHashTable *known; /* owned; number -> struct known_fd *, owned */
};

static void known_fd_free(void *data)
{
    struct known_fd *known = data;

    g_free(known->target);
    g_free(known);
}

struct ct_account_fds *ct_account_fds_new(pid_t pid)
{
    struct ct_account_fds *fds = g_new(struct ct_account_fds, 1);

    fds->pid = pid;
    fds->known = g_hash_table_new_full(NULL, NULL, NULL, known_fd_free);
    return fds;
}

void ct_account_fds_free(struct ct_account_fds *fds)
{
    g_hash_table_unref(fds->known);
    g_free(fds);
}

/* As it is now: a number is used again for others. */
static struct known_fd *find(struct ct_account_fds *fds, int fd)
{
    struct known_fd *known = g_hash_table_lookup(fds->known, GINT_TO_POINTER(fd));
    g_autofree char *link = g_strdup_printf("/proc/%d/fd/%d", fds->pid, fd);
    g_autofree char *target = g_file_read_link(link, NULL);

    if (known != NULL && g_strcmp0(known->target, target) == 0)
        return known;
    if (g_hash_table_size(fds->known) >= KNOWN_MAX)
        g_hash_table_remove_all(fds->known);
    known = g_new0(struct known_fd, 1);
    known->target = ct_descriptor_target(fds->pid, fd, &known->kind);
    g_hash_table_insert(fds->known, GINT_TO_POINTER(fd), known);
    return known;
}

static enum ct_class class_of(enum ct_fd_kind kind)
{
    static const enum ct_class classes[CT_FD_KIND_COUNT] = {
#define FD_CLASS(symbol, name, class) [CT_FD_KIND_##symbol] = CT_CLASS_##class,
        CT_FD_KINDS(FD_CLASS)
#undef FD_CLASS
    };

    return classes[kind];
}

enum ct_class ct_account_fds_class(struct ct_account_fds *fds, int fd)
{
    const struct known_fd *known = find(fds, fd);

    return known->target != NULL ? class_of(known->kind) : CT_CLASS_UNKNOWN;
}

enum ct_class ct_account_fds_epoll_class(struct ct_account_fds *fds, int fd, uint64_t now_ns)
{
    struct known_fd *known = find(fds, fd);
    unsigned classes = 0;

    if (known->target == NULL)
        return CT_CLASS_UNKNOWN;
    if (known->watched_ns != 0 && now_ns - known->watched_ns < WATCHED_FOR_NS)
        return known->watched;
    uint32_t kinds = ct_descriptor_watched(fds->pid, fd, WATCHED_MAX);
    for (unsigned kind = 0; kind < CT_FD_KIND_COUNT; kind++) {
        if (kinds & UINT32_C(1) << kind)
            classes |= 1U << class_of((enum ct_fd_kind)kind);
    }
    known->watched = ct_class_of_set(classes);
    known->watched_ns = now_ns;
    return known->watched;
}
