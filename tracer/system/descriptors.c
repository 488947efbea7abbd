#include "descriptors.h"

#include "schema/descriptors.h"
#include "sockets.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

struct ct_socket_tables {
    GHashTable *by_namespace; /* owned; its name in /proc -> struct ct_sockets * */
};

static void free_sockets(void *sockets)
{
    ct_sockets_free(sockets);
}

struct ct_socket_tables *ct_socket_tables_new(void)
{
    struct ct_socket_tables *tables = g_new(struct ct_socket_tables, 1);

    tables->by_namespace = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_sockets);
    return tables;
}

void ct_socket_tables_free(struct ct_socket_tables *tables)
{
    g_hash_table_unref(tables->by_namespace);
    g_free(tables);
}

static const struct ct_sockets *tables_of(struct ct_socket_tables *tables, pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/ns/net", pid);
    char *name = g_file_read_link(path, NULL);

    if (name == NULL)
        name = g_strdup_printf("of process %d", pid);
    struct ct_sockets *sockets = g_hash_table_lookup(tables->by_namespace, name);
    if (sockets != NULL) {
        g_free(name);
        return sockets;
    }
    sockets = ct_sockets_read(pid);
    g_hash_table_insert(tables->by_namespace, name, sockets);
    return sockets;
}

/* ---- What it is ---- */

/* The kernel tells the protocol of any socket, also of one that is in no table yet. */
static enum ct_fd_kind socket_kind(const char *link)
{
    char protocol[32];
    ssize_t size = getxattr(link, "system.sockprotoname", protocol, sizeof(protocol) - 1);

    protocol[MAX(size, 0)] = '\0';
    if (g_str_has_prefix(protocol, "UNIX"))
        return CT_FD_KIND_SOCKET_UNIX;
    static const char *const inet[] = {"TCP", "UDP", "RAW", "PING", "SCTP", "DCCP", "MPTCP"};
    for (size_t i = 0; i < G_N_ELEMENTS(inet); i++) {
        if (g_str_has_prefix(protocol, inet[i]))
            return CT_FD_KIND_SOCKET_INET;
    }
    return CT_FD_KIND_SOCKET_OTHER;
}

/* The path of a queue has one name only. Others are not asked: a file's server may not answer. */
static gboolean is_message_queue(const char *link, const char *target)
{
    struct statfs system;

    return target[0] == '/' && strchr(target + 1, '/') == NULL && statfs(link, &system) == 0 &&
           system.f_type == CT_MQUEUE_MAGIC;
}

static enum ct_fd_kind find_kind(const char *link, const char *target)
{
    struct statx status;

    if (statx(AT_FDCWD, link, AT_STATX_DONT_SYNC, STATX_TYPE, &status) != 0)
        return CT_FD_KIND_UNKNOWN;
    switch (status.stx_mode & S_IFMT) {
    case S_IFSOCK:
        return socket_kind(link);
    case S_IFIFO:
        return CT_FD_KIND_PIPE;
    case S_IFREG:
        return is_message_queue(link, target) ? CT_FD_KIND_MQUEUE : CT_FD_KIND_FILE;
    case S_IFDIR:
        return CT_FD_KIND_DIRECTORY;
    case S_IFCHR:
        return ct_device_fd_kind(status.stx_rdev_major);
    case S_IFBLK:
        return CT_FD_KIND_DEVICE;
    default:
        return ct_anonymous_fd_kind(target);
    }
}

char *ct_descriptor_target(pid_t pid, int fd, enum ct_fd_kind *kind)
{
    g_autofree char *link = g_strdup_printf("/proc/%d/fd/%d", pid, fd);
    char *target = g_file_read_link(link, NULL);

    *kind = target != NULL ? find_kind(link, target) : CT_FD_KIND_UNKNOWN;
    return target;
}

static enum ct_fd_kind kind_of(pid_t pid, int fd)
{
    enum ct_fd_kind kind;

    g_free(ct_descriptor_target(pid, fd, &kind));
    return kind;
}

G_STATIC_ASSERT(CT_FD_KIND_COUNT <= 32); /* a kind is a bit of what is watched */

/* The lines "tfd: 5 events: ..." of an epoll descriptor's fdinfo. */
uint32_t ct_descriptor_watched(pid_t pid, int epoll_fd, guint most)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/fdinfo/%d", pid, epoll_fd);
    g_autofree char *text = NULL;
    uint32_t watched = 0;
    int fd;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return 0;
    for (const char *at = text; most > 0 && (at = strstr(at, "tfd:")) != NULL; at++, most--) {
        if (sscanf(at, "tfd: %d", &fd) == 1)
            watched |= UINT32_C(1) << kind_of(pid, fd);
    }
    return watched;
}

/* ---- All of them ---- */

const struct ct_socket_addresses *ct_socket_tables_find(struct ct_socket_tables *tables, pid_t pid,
                                                        const char *target)
{
    uint64_t inode;

    if (sscanf(target, "socket:[%" SCNu64 "]", &inode) != 1)
        return NULL;
    return ct_sockets_find(tables_of(tables, pid), inode);
}

static void describe_socket(struct ct_descriptor *descriptor, const char *target, pid_t pid,
                            struct ct_socket_tables *tables)
{
    const struct ct_socket_addresses *addresses = ct_socket_tables_find(tables, pid, target);

    descriptor->local = "";
    if (addresses != NULL) {
        descriptor->local = addresses->local;
        descriptor->peer = addresses->peer;
    }
}

static gboolean is_socket(enum ct_fd_kind kind)
{
    return kind == CT_FD_KIND_SOCKET_INET || kind == CT_FD_KIND_SOCKET_UNIX ||
           kind == CT_FD_KIND_SOCKET_OTHER;
}

void ct_descriptors_visit(pid_t pid, struct ct_socket_tables *tables,
                          void (*visit)(void *user, const struct ct_descriptor *descriptor),
                          void *user)
{
    g_autofree char *folder = g_strdup_printf("/proc/%d/fd", pid);
    GDir *entries = g_dir_open(folder, 0, NULL);
    const char *name;

    while (entries != NULL && (name = g_dir_read_name(entries)) != NULL) {
        g_autofree char *link = g_build_filename(folder, name, NULL);
        g_autofree char *target = g_file_read_link(link, NULL);

        if (target == NULL) /* closed meanwhile */
            continue;
        struct ct_descriptor descriptor = {
            .fd = (int)strtol(name, NULL, 10),
            .kind = find_kind(link, target),
            .local = target,
            .peer = "",
        };
        if (is_socket(descriptor.kind))
            describe_socket(&descriptor, target, pid, tables);
        if (descriptor.kind == CT_FD_KIND_EPOLL)
            descriptor.watched = ct_descriptor_watched(pid, descriptor.fd, G_MAXUINT);
        visit(user, &descriptor);
    }
    if (entries != NULL)
        g_dir_close(entries);
}
