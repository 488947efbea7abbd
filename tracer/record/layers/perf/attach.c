#include "attach.h"

#include "system/procfs.h"

#include <errno.h>
#include <sys/resource.h>

struct opening {
    struct ct_rings *rings;                /* borrowed */
    const struct ct_thread_events *events; /* borrowed */
    int code;                              /* errno of what failed, or 0 */
    guint threads;                         /* so many have their events */
    guint threads_refused;                 /* so many are not for us to look at */
};

/* A ring is our own event's, which goes on whatever thread ends, and tells nothing. */
static gboolean open_own_ring(void *user, struct ct_ring *ring)
{
    const size_t *size = user;
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_SOFTWARE,
        .config = PERF_COUNT_SW_DUMMY,
        .exclude_kernel = 1,
        .exclude_hv = 1,
        .disabled = 1,
    };

    return ct_ring_open(ring, &attributes, 0, *size);
}

/* One event of a thread's whose records go into the ring. FALSE and errno. */
static gboolean add_thread_event(const struct opening *opening, const struct ct_ring *ring,
                                 struct perf_event_attr *attributes, pid_t tid)
{
    int fd = ct_ring_open_event(ring, attributes, tid);

    if (fd >= 0)
        g_array_append_val(opening->rings->task_fds, fd);
    return fd >= 0;
}

static gboolean add_thread_events(const struct opening *opening, const struct ct_ring *ring,
                                  pid_t tid)
{
    for (guint i = 0; i < opening->events->count; i++) {
        struct perf_event_attr attributes = opening->events->attributes[i];
        gboolean may_lack = i >= opening->events->needed;

        if (!add_thread_event(opening, ring, &attributes, tid) &&
            (!may_lack || (errno != EACCES && errno != EPERM)))
            return FALSE;
    }
    return TRUE;
}

/* On each CPU, with all threads and children that it makes from now on. */
static gboolean open_thread(void *user, pid_t tid)
{
    struct opening *opening = user;

    for (guint i = 0; i < opening->rings->count; i++) {
        if (add_thread_events(opening, &opening->rings->rings[i], tid))
            continue;
        if (errno == ESRCH) /* it has ended meanwhile */
            return TRUE;
        if (errno == EACCES || errno == EPERM) {
            opening->threads_refused++;
            return TRUE;
        }
        opening->code = errno;
        return FALSE;
    }
    opening->threads++;
    return TRUE;
}

/* A descriptor for each thread and CPU is more than the usual limit, which is for select(2). */
static void raise_file_limit(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static char *explain_running(const struct opening *opening)
{
    if (opening->code == EMFILE || opening->code == ENFILE)
        return g_strdup_printf("after %u threads on %u CPUs there are too many open files: raise "
                               "the limit (ulimit -Hn), or be root",
                               opening->threads, opening->rings->count);
    return ct_rings_explain_task(opening->code != 0 ? opening->code : EACCES);
}

gboolean ct_rings_attach(struct ct_rings *rings, size_t size, const struct ct_thread_events *events,
                         struct ct_running *running, gboolean follows_children, char **why_not)
{
    struct opening opening = {.rings = rings, .events = events};
    g_autoptr(GArray) pids = ct_running_list(running, follows_children);
    gboolean is_tree = follows_children && running->kind == CT_RUNNING_TREE;

    rings->task_fds = g_array_new(FALSE, FALSE, sizeof(int));
    raise_file_limit();
    opening.code = ct_rings_open_each(rings, open_own_ring, &size);
    if (opening.code == 0 && ct_proc_visit_threads(pids, is_tree, open_thread, &opening) &&
        (opening.threads > 0 || opening.threads_refused == 0))
        return TRUE;
    *why_not = explain_running(&opening);
    return FALSE;
}
