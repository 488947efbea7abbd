#include "describe.h"

#include "system/descriptors.h"
#include "system/monotonic.h"

#include <inttypes.h>
#include <string.h>

/* Tables of sockets are long, and read again for one that was not in them. */
#define SOCKETS_FOR_NS UINT64_C(2000000000)

struct ct_describer {
    struct ct_socket_tables *sockets; /* owned */
    uint64_t sockets_ns;              /* as they were then */
};

struct ct_describer *ct_describer_new(void)
{
    struct ct_describer *describer = g_new0(struct ct_describer, 1);

    describer->sockets = ct_socket_tables_new();
    return describer;
}

void ct_describer_free(struct ct_describer *describer)
{
    ct_socket_tables_free(describer->sockets);
    g_free(describer);
}

static const struct ct_socket_addresses *find_addresses(struct ct_describer *describer, pid_t pid,
                                                        const char *target)
{
    const struct ct_socket_addresses *found =
        ct_socket_tables_find(describer->sockets, pid, target);
    uint64_t now_ns = ct_monotonic_ns();

    if (found != NULL || now_ns - describer->sockets_ns < SOCKETS_FOR_NS)
        return found;
    ct_socket_tables_free(describer->sockets);
    describer->sockets = ct_socket_tables_new();
    describer->sockets_ns = now_ns;
    return ct_socket_tables_find(describer->sockets, pid, target);
}

static const char *kind_name(enum ct_fd_kind kind)
{
    static const char *const names[CT_FD_KIND_COUNT] = {
#define KIND_NAME(symbol, name, class) [CT_FD_KIND_##symbol] = name,
        CT_FD_KINDS(KIND_NAME)
#undef KIND_NAME
    };

    return names[kind];
}

static char *describe_fd(struct ct_describer *describer, const struct ct_seen_thread *thread,
                         int fd)
{
    enum ct_fd_kind kind;
    g_autofree char *target = ct_descriptor_target(thread->pid, fd, &kind);

    if (target == NULL)
        return g_strdup_printf("fd %d", fd);
    if (*target == '/')
        return g_strdup_printf("fd %d, %s %s", fd, kind_name(kind), target);
    const struct ct_socket_addresses *addresses = find_addresses(describer, thread->pid, target);
    if (addresses == NULL || (*addresses->local == '\0' && *addresses->peer == '\0'))
        return g_strdup_printf("fd %d, %s", fd, kind_name(kind));
    return g_strdup_printf("fd %d, %s %s%s%s", fd, kind_name(kind), addresses->local,
                           *addresses->peer != '\0' ? " -> " : "", addresses->peer);
}

static char *describe_child(pid_t pid)
{
    struct ct_proc_stat stat;

    if (pid <= 0)
        return g_strdup(pid == -1 ? "any child" : "children");
    if (!ct_proc_read_stat(pid, pid, &stat))
        return g_strdup_printf("process %d", pid);
    return g_strdup_printf("process %d (%s)", pid, stat.name);
}

/* NULL: it has none, or none that tells something. */
static char *describe_object(struct ct_describer *describer, const struct ct_seen_thread *thread)
{
    uint64_t object = thread->wait.object;

    switch (ct_wait_object(&thread->wait)) {
    case CT_OBJECT_FD:
        return describe_fd(describer, thread, (int32_t)object);
    case CT_OBJECT_FD_SET:
        return object > 0
                   ? g_strdup_printf("%" PRIu64 " descriptor%s", object, object == 1 ? "" : "s")
                   : NULL;
    case CT_OBJECT_FUTEX:
        return object != 0 ? g_strdup_printf("0x%" PRIx64, object) : NULL;
    case CT_OBJECT_PROCESS:
        return object != 0 ? describe_child((int32_t)object) : NULL;
    case CT_OBJECT_IPC:
        return g_strdup_printf("System V ipc %" PRIu64, object);
    default:
        return NULL;
    }
}

char *ct_describe_wait(struct ct_describer *describer, const struct ct_seen_thread *thread)
{
    if (thread->wait.class == CT_CLASS_RUNNING)
        return g_strdup(thread->is_starved ? "in line for a CPU" : "running");
    if (thread->wait.op == CT_OP_NONE)
        return g_strdup("not ours to see");
    g_autofree char *object = thread->wait.is_nameless ? NULL : describe_object(describer, thread);
    const char *op = ct_wait_op_name(&thread->wait);

    return object != NULL ? g_strdup_printf("%s on %s", op, object) : g_strdup(op);
}
