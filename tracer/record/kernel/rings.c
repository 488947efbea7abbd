#include "rings.h"

#include "../procfs.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * What a busy CPU writes in some 50 ms: the recorder is woken when it is half full, to disturb the
 * program seldom. For a task's, what perf_event_mlock_kb (516) leaves an ordinary user for each
 * CPU. There may be less, if the user has other rings.
 */
#define MACHINE_RING_SIZE ((size_t)2 << 20)
#define CALLS_RING_SIZE   ((size_t)4 << 20)
#define TASK_RING_SIZE    ((size_t)512 << 10)
#define RING_SIZE_MIN     ((size_t)16 << 10)

static int open_event(struct perf_event_attr *attributes, pid_t pid, int cpu)
{
    attributes->size = sizeof(*attributes);
    attributes->sample_type |= PERF_SAMPLE_TID | PERF_SAMPLE_TIME |
                               (attributes->type == PERF_TYPE_TRACEPOINT ? PERF_SAMPLE_RAW : 0);
    attributes->sample_id_all = 1;
    attributes->use_clockid = 1;
    attributes->clockid = CLOCK_MONOTONIC;
    attributes->watermark = 1;
    attributes->build_id = attributes->mmap2;
    int fd = (int)syscall(SYS_perf_event_open, attributes, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);

    if (fd >= 0 || errno != EINVAL || !attributes->build_id)
        return fd;
    attributes->build_id = 0; /* before Linux 5.12 there are none */
    return (int)syscall(SYS_perf_event_open, attributes, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

static void clear_ring(struct ct_ring *ring, uint32_t cpu)
{
    *ring = (struct ct_ring){.cpu = cpu, .map = MAP_FAILED};
    for (size_t i = 0; i < CT_RING_FDS; i++)
        ring->fds[i] = -1;
}

static void close_ring(struct ct_ring *ring)
{
    if (ring->map != MAP_FAILED)
        munmap(ring->map, (size_t)sysconf(_SC_PAGESIZE) + ring->size);
    for (size_t event = 0; event < CT_RING_FDS; event++) {
        if (ring->fds[event] >= 0)
            close(ring->fds[event]);
    }
    clear_ring(ring, ring->cpu);
}

static struct ct_ring *add_ring(struct ct_rings *rings, uint32_t cpu)
{
    struct ct_ring *ring = &rings->rings[rings->count++];

    clear_ring(ring, cpu);
    return ring;
}

gboolean ct_ring_open(struct ct_ring *ring, struct perf_event_attr *attributes, pid_t pid,
                      size_t size)
{
    for (; size >= RING_SIZE_MIN; size /= 2) {
        attributes->wakeup_watermark = (uint32_t)size / 2;
        ring->fds[0] = open_event(attributes, pid, (int)ring->cpu);
        if (ring->fds[0] < 0)
            return FALSE;
        ring->size = size;
        ring->map = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE) + size, PROT_READ | PROT_WRITE,
                         MAP_SHARED, ring->fds[0], 0);
        if (ring->map != MAP_FAILED)
            return TRUE;
        int code = errno;
        close(ring->fds[0]);
        ring->fds[0] = -1;
        errno = code;
        if (code != EPERM && code != ENOMEM)
            return FALSE;
    }
    errno = ENOMEM; /* that may be locked */
    return FALSE;
}

gboolean ct_ring_add(struct ct_ring *ring, size_t index, struct perf_event_attr *attributes,
                     pid_t pid)
{
    ring->fds[index] = open_event(attributes, pid, (int)ring->cpu);
    return ring->fds[index] >= 0 &&
           ioctl(ring->fds[index], PERF_EVENT_IOC_SET_OUTPUT, ring->fds[0]) == 0;
}

/* Names, forks and exits: what no tracepoint is needed for. */
static gboolean open_machine_ring(struct ct_ring *ring)
{
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_SOFTWARE,
        .config = PERF_COUNT_SW_DUMMY,
        .task = 1,
        .comm = 1,
        .comm_exec = 1,
    };

    return ct_ring_open(ring, &attributes, -1, MACHINE_RING_SIZE);
}

static gboolean add_tracepoint(struct ct_ring *ring, size_t index, uint64_t id)
{
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_TRACEPOINT,
        .config = id,
        .sample_period = 1,
        .disabled = 1,
    };

    return ct_ring_add(ring, index, &attributes, -1);
}

gboolean ct_ring_add_arrivals(struct ct_ring *ring)
{
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_SOFTWARE,
        .config = PERF_COUNT_SW_DUMMY,
        .context_switch = 1,
    };

    return ct_ring_add(ring, CT_RING_FDS - 1, &attributes, -1);
}

static char *explain(int code)
{
    if (code == EACCES || code == EPERM)
        return g_strdup(geteuid() != 0 ? "they take root or CAP_PERFMON"
                                       : "perf_event_open is forbidden here, as in many "
                                         "containers: they take CAP_PERFMON, and a seccomp "
                                         "profile that allows it");
    if (code == ENOSYS || code == ENOENT)
        return g_strdup("this kernel has no perf events");
    return g_strdup_printf("perf_event_open: %s", g_strerror(code));
}

char *ct_rings_explain_task(int code)
{
    if (code == EACCES)
        return g_strdup("kernel.perf_event_paranoid is above 2");
    if (code == EPERM)
        return g_strdup("perf_event_open is forbidden here, as in many containers: it takes a "
                        "seccomp profile that allows it");
    if (code == ENOMEM)
        return g_strdup("no memory may be locked for it: raise kernel.perf_event_mlock_kb, or "
                        "ulimit -l");
    return explain(code);
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

/* Of one process. */
struct task {
    pid_t pid;
    gboolean is_delayed;
    const struct ct_formats *formats; /* borrowed; of calls */
};

/* The rings, or NULL and why not. */
static struct ct_rings *open_all(struct ct_rings *rings,
                                 gboolean (*open)(void *user, struct ct_ring *ring), void *user,
                                 char *(*explain_code)(int code), char **why_not)
{
    int code = ct_rings_open_each(rings, open, user);

    if (code == 0)
        return rings;
    *why_not = explain_code(code);
    ct_rings_free(rings);
    return NULL;
}

static gboolean open_machine(void *user, struct ct_ring *ring)
{
    const struct ct_formats *formats = user;

    return open_machine_ring(ring) && add_tracepoint(ring, 1, formats->switch_id) &&
           add_tracepoint(ring, 2, formats->waking_id);
}

struct ct_rings *ct_rings_open_machine(char **why_not)
{
    struct ct_rings *rings = ct_rings_new(CT_RINGS_MACHINE);

    if (ct_formats_read(&rings->formats, FALSE, why_not))
        return open_all(rings, open_machine, &rings->formats, explain, why_not);
    ct_rings_free(rings);
    return NULL;
}

static struct perf_event_attr task_event(gboolean is_enabled_by_exec)
{
    return (struct perf_event_attr){
        .type = PERF_TYPE_SOFTWARE,
        .config = PERF_COUNT_SW_DUMMY,
        .exclude_kernel = 1,
        .exclude_hv = 1,
        .inherit = 1,
        .disabled = 1,
        .enable_on_exec = is_enabled_by_exec != 0,
        .context_switch = 1,
        .task = 1,
        .comm = 1,
        .comm_exec = 1,
    };
}

/* A ring of the task's on each CPU: where events are inherited, there is no other way. */
static gboolean open_task_ring(void *user, struct ct_ring *ring)
{
    const struct task *task = user;
    struct perf_event_attr attributes = task_event(!task->is_delayed);

    return ct_ring_open(ring, &attributes, task->pid, TASK_RING_SIZE);
}

struct ct_rings *ct_rings_open_process(pid_t pid, gboolean is_delayed, char **why_not)
{
    struct task task = {.pid = pid, .is_delayed = is_delayed};

    return open_all(ct_rings_new(CT_RINGS_PROCESS), open_task_ring, &task, ct_rings_explain_task,
                    why_not);
}

/*
 * A tracepoint of the task's. All of them have a stack, so that samples have one layout: it is
 * empty but where it is wanted.
 */
static struct perf_event_attr call_event(uint64_t id, gboolean wants_stack, gboolean on_exec)
{
    return (struct perf_event_attr){
        .type = PERF_TYPE_TRACEPOINT,
        .config = id,
        .sample_type = PERF_SAMPLE_CALLCHAIN,
        .exclude_callchain_kernel = 1,
        .exclude_callchain_user = !wants_stack,
        .sample_period = 1,
        .inherit = 1,
        .disabled = 1,
        .enable_on_exec = on_exec,
    };
}

/* What is recorded of a task: mappings, too. */
struct call_events {
    struct perf_event_attr enter;
    struct perf_event_attr leave;
    struct perf_event_attr lose_cpu;
};

static struct call_events call_events(const struct ct_formats *formats, gboolean on_exec)
{
    struct call_events events = {
        .enter = call_event(formats->enter_id, FALSE, on_exec),
        .leave = call_event(formats->exit_id, FALSE, on_exec),
        .lose_cpu = call_event(formats->switch_id, TRUE, on_exec),
    };

    events.enter.mmap = events.enter.mmap2 = 1;
    return events;
}

/* Stacks only with the privilege for the scheduler's tracepoints. */
static gboolean open_calls_ring(void *user, struct ct_ring *ring)
{
    const struct task *task = user;
    struct call_events events = call_events(task->formats, !task->is_delayed);

    return ct_ring_open(ring, &events.enter, task->pid, CALLS_RING_SIZE) &&
           ct_ring_add(ring, 1, &events.leave, task->pid) &&
           (ct_ring_add(ring, 2, &events.lose_cpu, task->pid) || errno == EACCES || errno == EPERM);
}

struct ct_rings *ct_rings_open_calls(pid_t pid, gboolean is_delayed, char **why_not)
{
    struct ct_rings *rings = ct_rings_new(CT_RINGS_CALLS);
    struct task task = {.pid = pid, .is_delayed = is_delayed, .formats = &rings->formats};

    if (ct_formats_read(&rings->formats, TRUE, why_not))
        return open_all(rings, open_calls_ring, &task, explain, why_not);
    ct_rings_free(rings);
    return NULL;
}

/* ---- Running processes ---- */

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
    int fd = open_event(attributes, tid, (int)ring->cpu);

    if (fd < 0)
        return FALSE;
    g_array_append_val(opening->rings->task_fds, fd);
    return ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, ring->fds[0]) == 0;
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
                         const GArray *pids, gboolean follows_children, char **why_not)
{
    struct opening opening = {.rings = rings, .events = events};

    rings->task_fds = g_array_new(FALSE, FALSE, sizeof(int));
    raise_file_limit();
    opening.code = ct_rings_open_each(rings, open_own_ring, &size);
    if (opening.code == 0 && ct_proc_visit_threads(pids, follows_children, open_thread, &opening) &&
        (opening.threads > 0 || opening.threads_refused == 0))
        return TRUE;
    *why_not = explain_running(&opening);
    return FALSE;
}

struct ct_rings *ct_rings_open_running(enum ct_rings_kind kind, const GArray *pids,
                                       gboolean follows_children, char **why_not)
{
    struct ct_rings *rings = ct_rings_new(kind);
    struct ct_thread_events events = {.attributes = {task_event(FALSE)}, .count = 1, .needed = 1};
    gboolean is_ready = TRUE;

    if (kind == CT_RINGS_CALLS) {
        is_ready = ct_formats_read(&rings->formats, TRUE, why_not);
        struct call_events calls = call_events(&rings->formats, FALSE);
        events = (struct ct_thread_events){
            .attributes = {calls.enter, calls.leave, calls.lose_cpu}, .count = 3, .needed = 2};
    }
    if (is_ready &&
        ct_rings_attach(rings, kind == CT_RINGS_CALLS ? CALLS_RING_SIZE : TASK_RING_SIZE, &events,
                        pids, follows_children, why_not))
        return rings;
    ct_rings_free(rings);
    return NULL;
}

static void control_ring(const struct ct_ring *ring, unsigned long request)
{
    for (size_t event = 0; event < CT_RING_FDS; event++) {
        if (ring->fds[event] >= 0)
            ioctl(ring->fds[event], request, 0);
    }
}

static void control(struct ct_rings *rings, unsigned long request)
{
    for (guint i = 0; i < rings->count; i++)
        control_ring(&rings->rings[i], request);
    for (guint i = 0; rings->task_fds != NULL && i < rings->task_fds->len; i++)
        ioctl(g_array_index(rings->task_fds, int, i), request, 0);
}

static struct ct_ring *find_ring(struct ct_rings *rings, uint32_t cpu)
{
    for (guint i = 0; i < rings->count; i++) {
        if (rings->rings[i].cpu == cpu)
            return &rings->rings[i];
    }
    return rings->count < rings->capacity ? add_ring(rings, cpu) : NULL;
}

struct ct_ring *ct_rings_reopen(struct ct_rings *rings, uint32_t cpu, gboolean is_begun)
{
    struct ct_ring *ring = find_ring(rings, cpu);

    if (ring == NULL)
        return NULL;
    close_ring(ring);
    if (!open_machine(&rings->formats, ring)) {
        close_ring(ring);
        return NULL;
    }
    if (is_begun)
        control_ring(ring, PERF_EVENT_IOC_ENABLE);
    return ring;
}

void ct_rings_begin(struct ct_rings *rings)
{
    control(rings, PERF_EVENT_IOC_ENABLE);
}

void ct_rings_end(struct ct_rings *rings)
{
    control(rings, PERF_EVENT_IOC_DISABLE);
}

static gboolean write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, data, size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return FALSE;
        data += written;
        size -= (size_t)written;
    }
    return TRUE;
}

gboolean ct_ring_drain(struct ct_ring *ring, int fd)
{
    struct perf_event_mmap_page *page = ring->map;
    const char *data = (const char *)ring->map + sysconf(_SC_PAGESIZE);

    if (ring->map == MAP_FAILED) /* its CPU came back, but could not be opened again */
        return TRUE;
    uint64_t head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);
    uint64_t tail = page->data_tail;
    gboolean is_written = TRUE;

    while (tail < head && is_written) {
        size_t offset = (size_t)(tail % ring->size);
        size_t size = MIN((size_t)(head - tail), ring->size - offset);

        is_written = write_all(fd, data + offset, size);
        tail += size;
    }
    __atomic_store_n(&page->data_tail, head, __ATOMIC_RELEASE);
    return is_written;
}

static int compare_fds(const void *first, const void *second)
{
    return *(const int *)first - *(const int *)second;
}

/* In the child: all but `fds`, which are in order, then those. Never returns. */
static void close_last(const int *fds, size_t count)
{
    unsigned next = 0;

    for (size_t i = 0; i < count; i++) {
        if ((unsigned)fds[i] > next)
            syscall(SYS_close_range, next, (unsigned)fds[i] - 1, 0);
        next = (unsigned)fds[i] + 1;
    }
    syscall(SYS_close_range, next, ~0U, 0);
    syscall(SYS_close_range, 0, ~0U, 0);
    _exit(0);
}

void ct_rings_free_aside(struct ct_rings *rings)
{
    guint task_fds = rings->task_fds != NULL ? rings->task_fds->len : 0;
    g_autofree int *fds = g_new(int, rings->count *CT_RING_FDS + task_fds);
    size_t count = 0;

    for (guint i = 0; i < rings->count; i++) {
        for (size_t event = 0; event < CT_RING_FDS; event++) {
            if (rings->rings[i].fds[event] >= 0)
                fds[count++] = rings->rings[i].fds[event];
        }
    }
    for (guint i = 0; i < task_fds; i++)
        fds[count++] = g_array_index(rings->task_fds, int, i);
    qsort(fds, count, sizeof(*fds), compare_fds);
    /* No signal at its end: it is none of the processes that are waited for. */
    if (syscall(SYS_clone, 0, NULL, NULL, NULL, 0) == 0)
        close_last(fds, count);
    ct_rings_free(rings);
}

void ct_rings_free(struct ct_rings *rings)
{
    if (rings == NULL)
        return;
    for (guint i = 0; rings->task_fds != NULL && i < rings->task_fds->len; i++)
        close(g_array_index(rings->task_fds, int, i));
    g_clear_pointer(&rings->task_fds, g_array_unref);
    for (guint i = 0; i < rings->count; i++)
        close_ring(&rings->rings[i]);
    g_free(rings->rings);
    g_free(rings);
}
