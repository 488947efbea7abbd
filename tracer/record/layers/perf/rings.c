#include "rings.h"

#include "schema/capture_words.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct ct_ring *add_ring(struct ct_rings *rings, uint32_t cpu)
{
    struct ct_ring *ring = &rings->rings[rings->count++];

    ct_ring_init(ring, cpu);
    return ring;
}

char *ct_rings_explain(int code)
{
    if (code == EACCES || code == EPERM)
        return g_strdup(geteuid() != 0 ? "they take " CT_WHY_PERFMON
                                       : "perf_event_open is " CT_WHY_CONTAINER
                                         ": they take CAP_PERFMON, and a seccomp "
                                         "profile that allows it");
    if (code == ENOSYS || code == ENOENT)
        return g_strdup(CT_WHY_NO_PERF);
    return g_strdup_printf("perf_event_open: %s", g_strerror(code));
}

char *ct_rings_explain_task(int code)
{
    if (code == EACCES)
        return g_strdup(CT_WHY_PARANOID);
    if (code == EPERM)
        return g_strdup("perf_event_open is " CT_WHY_CONTAINER ": it takes a "
                        "seccomp profile that allows it");
    if (code == ENOMEM)
        return g_strdup(CT_WHY_MEMLOCK ", as other recordings of this user have "
                                       "it: raise kernel.perf_event_mlock_kb, or ulimit -l");
    return ct_rings_explain(code);
}

static gboolean is_offline(int code)
{
    return code == ENODEV || code == ENXIO;
}

struct ct_rings *ct_rings_new(enum ct_rings_kind kind)
{
    struct ct_rings *rings = g_new0(struct ct_rings, 1);

    rings->kind = kind;
    return rings;
}

struct ct_ring *ct_rings_find_or_add(struct ct_rings *rings, uint32_t cpu)
{
    for (guint i = 0; i < rings->count; i++) {
        if (rings->rings[i].cpu == cpu)
            return &rings->rings[i];
    }
    return rings->count < rings->capacity ? add_ring(rings, cpu) : NULL;
}

int ct_rings_open_each(struct ct_rings *rings, gboolean (*open)(void *user, struct ct_ring *ring),
                       void *user)
{
    long cpus = MAX(sysconf(_SC_NPROCESSORS_CONF), 1);

    rings->rings = g_new0(struct ct_ring, (gsize)cpus);
    rings->capacity = (guint)cpus;
    for (long cpu = 0; cpu < cpus; cpu++) {
        struct ct_ring *ring = add_ring(rings, (uint32_t)cpu);

        if (open(user, ring))
            continue;
        if (ring->fds[0] >= 0 || !is_offline(errno))
            return errno;
        rings->count--;
    }
    return 0;
}

/* The rings, or NULL and why not. */
struct ct_rings *ct_rings_open_or_explain(struct ct_rings *rings,
                                          gboolean (*open)(void *user, struct ct_ring *ring),
                                          void *user, char *(*explain_code)(int code),
                                          char **why_not)
{
    int code = ct_rings_open_each(rings, open, user);

    if (code == 0)
        return rings;
    *why_not = explain_code(code);
    ct_rings_free(rings);
    return NULL;
}

struct perf_event_attr ct_rings_life_event(gboolean on_exec)
{
    return (struct perf_event_attr){
        .type = PERF_TYPE_SOFTWARE,
        .config = PERF_COUNT_SW_DUMMY,
        .exclude_kernel = 1,
        .exclude_hv = 1,
        .inherit = 1,
        .disabled = 1,
        .enable_on_exec = on_exec != 0,
        .task = 1,
        .comm = 1,
        .comm_exec = 1,
    };
}

static void control(struct ct_rings *rings, unsigned long request)
{
    for (guint i = 0; i < rings->count; i++)
        ct_ring_control(&rings->rings[i], request);
    for (guint i = 0; rings->task_fds != NULL && i < rings->task_fds->len; i++)
        ioctl(g_array_index(rings->task_fds, int, i), request, 0);
}

void ct_rings_begin(struct ct_rings *rings)
{
    control(rings, PERF_EVENT_IOC_ENABLE);
}

void ct_rings_end(struct ct_rings *rings)
{
    control(rings, PERF_EVENT_IOC_DISABLE);
}

static int compare_fds(const void *first, const void *second)
{
    return *(const int *)first - *(const int *)second;
}

/*
 * In the child: keeps nothing open but `fds`, which are in order, until the parent has closed its
 * own and with them the other end of the pipe `parent_fd`, one of them. Never returns.
 */
static void close_last(const int *fds, size_t count, int parent_fd)
{
    unsigned next = 0;
    char byte;

    for (size_t i = 0; i < count; i++) {
        if ((unsigned)fds[i] > next)
            syscall(SYS_close_range, next, (unsigned)fds[i] - 1, 0);
        next = (unsigned)fds[i] + 1;
    }
    syscall(SYS_close_range, next, ~0U, 0);
    while (read(parent_fd, &byte, sizeof(byte)) < 0 && errno == EINTR)
        ;
    _exit(0);
}

/* All descriptors of the rings, and `one_more`, in order. Owned by the caller. */
static GArray *list_fds(const struct ct_rings *rings, int one_more)
{
    GArray *fds = g_array_new(FALSE, FALSE, sizeof(int));

    g_array_append_val(fds, one_more);
    for (guint i = 0; i < rings->count; i++) {
        for (size_t event = 0; event < CT_RING_FDS; event++) {
            if (rings->rings[i].fds[event] >= 0)
                g_array_append_val(fds, rings->rings[i].fds[event]);
        }
    }
    if (rings->task_fds != NULL)
        g_array_append_vals(fds, rings->task_fds->data, rings->task_fds->len);
    g_array_sort(fds, compare_fds);
    return fds;
}

void ct_rings_free_aside(struct ct_rings *rings)
{
    int pipe_fds[2];

    if (pipe2(pipe_fds, O_CLOEXEC) != 0) {
        ct_rings_free(rings);
        return;
    }
    g_autoptr(GArray) fds = list_fds(rings, pipe_fds[0]);
    /* No signal at its end: it is none of the processes that are waited for. */
    if (syscall(SYS_clone, 0, NULL, NULL, NULL, 0) == 0)
        close_last((const int *)fds->data, fds->len, pipe_fds[0]);
    ct_rings_free(rings);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

void ct_rings_free(struct ct_rings *rings)
{
    if (rings == NULL)
        return;
    for (guint i = 0; rings->task_fds != NULL && i < rings->task_fds->len; i++)
        close(g_array_index(rings->task_fds, int, i));
    g_clear_pointer(&rings->task_fds, g_array_unref);
    for (guint i = 0; i < rings->count; i++)
        ct_ring_close(&rings->rings[i]);
    g_free(rings->rings);
    g_free(rings);
}
